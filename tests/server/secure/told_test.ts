/** What a run with secure aggregation tells of single clients: on the wire, in its log and files. */
import { assert, assertAlmostEquals, assertEquals } from "jsr:@std/assert@1.0.19";
import {
  AuditLog,
  CannotTrainError,
  ClientSGDHandler,
  ClientSyncTop,
  digits,
  initialParameters,
  logisticRegression,
  MessageCode,
  type RunReport,
  type ServerEvent,
  ServerSyncTop,
  silentLogger,
  Simulation,
  SyncParameterServerHandler,
  type TrainResult,
} from "../../../mod.ts";
import { ClientFollowingTop } from "../../../src/client/following_topology.ts";
import type { ClientTopologyOptions } from "../../../src/client/options.ts";
import { tableOf } from "../../../src/data/schema/table_of.ts";
import { tableSource } from "../../../src/data/sources/table_source.ts";
import { ServerStatisticsTop } from "../../../src/server/statistics/statistics_topology.ts";
import { memoryTransport } from "../../../src/net/mod.ts";
import { InProcessPool } from "../../../src/sim/mod.ts";
import { CheckpointStore } from "../../../src/store/checkpoint/files/checkpoint_store.ts";
import { inFolder } from "../../helpers/command.ts";
import { RecordedTransport } from "../../helpers/recorded_transport.ts";
import { runSync } from "../../helpers/sync_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const all = await digits();
/** Numbers of samples that occur nowhere else. */
const COUNTS = [211, 223, 227, 229, 233];
const rounds = 3;
const parts = COUNTS.map((count) => Array.from({ length: count }, (_, i) => i));
const TALKATIVE = 5, REASON = "my loss is 1234.5";
const QUIET = COUNTS.slice(0, TALKATIVE - 1).reduce((sum, count) => sum + count, 0);

/** A client that cannot train, and says more about its data than it should. */
class Talkative extends ClientSGDHandler {
  override train(): Promise<TrainResult> {
    return Promise.reject(new CannotTrainError(REASON));
  }
}

async function handlerOf(): Promise<SyncParameterServerHandler> {
  const model = logisticRegression({ inputShape: [8, 8, 1], numClasses: 10 });
  return new SyncParameterServerHandler({
    ...{ ...await initialParameters(model, 1), model, seed: 1 },
    secureAggregation: { minMembers: 3, maxMembers: 5, clip: 1, maxSamples: 300 },
  });
}

/** Checks that a value has no figure of a client. */
function checkUntold(value: unknown, what: string, figures: ReadonlySet<number>): void {
  const text = JSON.stringify(value, (name, part) => {
    const isFigure = ["numSamples", "norm", "work", "trainByRank", "metrics"].includes(name);
    assert(!isFigure, `${what} has ${name}`);
    assert(typeof part !== "number" || !figures.has(part), `${what} has ${name} ${part}`);
    return part;
  });
  assert(!text.includes(REASON), `${what} has the reason of a client`);
}

Deno.test("a run with secure aggregation tells sums alone, on the wire as in log, events and files", () =>
  inFolder(async (folder) => {
    const clients = parts.map((rows, i) => {
      const Handler = i === TALKATIVE - 1 ? Talkative : ClientSGDHandler;
      return new Handler({ data: all.select(rows) });
    });
    const checkpoints = new CheckpointStore(`${folder}/checkpoints`);
    const transport = new RecordedTransport(memoryTransport);
    const events: ServerEvent[] = [], logged: string[] = [];
    /** Figures that each client alone may know. */
    const figures = new Set<number>(COUNTS), losses: number[][] = [];
    const add = (text: string) => void logged.push(text);
    const logger = { debug: add, info: add, warn: add, error: add };
    const handler = await handlerOf();
    const report = await (async () => {
      using audit = new AuditLog(`${folder}/audit.jsonl`);
      return await runSync(handler, {
        ...{ clients, rounds },
        server: { checkpoints, quorum: 0.1, logger, listen: "told", distBackend: transport },
        client: (rank) => ({
          distBackend: transport,
          secureMinMembers: 3,
          onEvent: (event) => {
            if (event.type !== "trained") return;
            const { round, result: { loss, metrics } } = event;
            figures.add(loss);
            for (const value of Object.values(metrics)) figures.add(value);
            (losses[round - 1] ??= [])[rank - 1] = loss;
          },
        }),
        onEvent: (event) => {
          events.push(event);
          audit.record(event);
        },
      });
    })();
    for (const client of clients) await client[Symbol.asyncDispose]();
    figures.delete(1);

    checkUntold(events, "events", figures);
    checkUntold(report, "report", figures);
    const types = new Set(events.map(({ type }) => type));
    for (
      const type of ["client-joined", "update-received", "update-refused", "checkpoint"] as const
    ) {
      assert(types.has(type), type);
    }
    for (const [i, { secure, trainLoss = NaN, losses: lost }] of report.rounds.entries()) {
      assertEquals([secure?.samples, secure?.masked], [QUIET, 4]);
      const sum = COUNTS.slice(0, 4).reduce((sum, n, j) => sum + n * (losses[i]?.[j] ?? NaN), 0);
      assertAlmostEquals(trainLoss, sum / QUIET, 1e-4);
      assertEquals(
        lost.map(({ rank }) => rank),
        i === 0 ? [TALKATIVE] : lost.map(({ rank }) => rank),
      );
    }
    assertEquals(report.secure?.protocol, "secagg+");
    assertEquals(
      report.members?.map(({ rank, samples }) => [rank, samples]),
      COUNTS.map((_, i) => [i + 1, undefined]),
    );

    const saved = await checkpoints.latest();
    assert(saved !== undefined);
    checkUntold({ state: saved.state, history: saved.history }, "checkpoint", figures);
    const lines = (await Deno.readTextFile(`${folder}/audit.jsonl`)).trimEnd().split("\n");
    checkUntold(lines.map((line) => JSON.parse(line)), "audit log", figures);
    const log = logged.join("\n");
    assert(log.includes("Rank 1 joined from"));
    for (const text of [...COUNTS.map((count) => ` ${count} `), REASON]) {
      assert(!log.includes(text), `the log has ${text}`);
    }

    const sent = transport.sent, codes = new Set(sent.map(({ code }) => code));
    const updates = [
      MessageCode.ParameterUpdate,
      MessageCode.GradientUpdate,
      MessageCode.CompressedUpdate,
    ];
    for (const code of updates) assert(!codes.has(code), `a client has sent ${code}`);
    const masked = sent.filter(({ code }) => code === MessageCode.MaskedUpdate);
    assertEquals(masked.length, 4 * rounds);
    assert(!JSON.stringify(sent).includes(REASON), "the wire has the reason of a client");
    for (const { code, payload } of sent) {
      for (const name of ["loss", "metrics", "steps"]) {
        assert(!(name in payload), `${code} has ${name}`);
      }
      for (const value of Object.values(payload)) {
        assert(typeof value !== "number" || !COUNTS.includes(value), `${code} has ${value}`);
      }
    }

    // The model is that of the sums in the clear.
    const others = { train: all, test: all, parts: parts.slice(0, 4), rounds };
    const simulated = await handlerOf();
    await new Simulation(simulated, { ...others, pool: InProcessPool.start }).run();
    assertEquals(handler.parameters, simulated.parameters);
  }));

Deno.test("masked updates of two runs with one seed differ everywhere, and their bytes are even", async () => {
  const runs: Uint32Array[][] = [];
  const reports: RunReport[] = [];
  for (let run = 0; run < 2; run++) {
    const transport = new RecordedTransport(memoryTransport);
    const clients = parts.map((rows) => new ClientSGDHandler({ data: all.select(rows) }));
    reports.push(
      await runSync(await handlerOf(), {
        ...{ clients, rounds: 4 },
        server: { listen: `even-${run}`, distBackend: transport },
        client: () => ({ distBackend: transport }),
      }),
    );
    for (const client of clients) await client[Symbol.asyncDispose]();
    runs.push(transport.sent.flatMap(({ payload }) => "masked" in payload ? [payload.masked] : []));
  }
  assertEquals(reports[0]?.modelDigest, reports[1]?.modelDigest);
  const [first = [], second = []] = runs;
  assertEquals([first.length, second.length], [20, 20]);
  const counts = new Float64Array(256);
  let same = 0, total = 0;
  for (const [i, vector] of first.entries()) {
    vector.forEach((value, j) => {
      if (value === second[i]?.[j]) same++;
    });
    for (const byte of new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)) {
      counts[byte] = (counts[byte] ?? 0) + 1;
      total++;
    }
  }
  // Of 13,000 values of 32 bits, hardly one is the same by chance.
  assert(same < 3, `${same} values are the same`);
  const chi2 = counts.reduce((sum, n) => sum + (n - total / 256) ** 2 / (total / 256), 0);
  // With 255 degrees of freedom: mean 255, and 6 deviations of 22.6.
  assert(chi2 < 391, `chi-squared ${chi2}`);
});

Deno.test("a client tells no figures of parameters that a server with secure aggregation sends to evaluate", async () => {
  const transport = new RecordedTransport(memoryTransport);
  class Asking extends ServerSyncTop {
    protected override async runRound(round: number): Promise<void> {
      await super.runRound(round);
      this.activeRun.send(1, {
        code: MessageCode.EvaluateParams,
        payload: { round, parameters: this.handler.parameters },
      });
    }
  }
  const errors: unknown[] = [];
  const running: Promise<void>[] = [];
  const clients = parts.map((rows) => new ClientSGDHandler({ data: all.select(rows) }));
  const server = new Asking(await handlerOf(), {
    ...{ listen: "asking", distBackend: transport, logger: silentLogger, worldSize: 6, rounds: 2 },
    onEvent: ({ type }) => {
      if (type !== "listening") return;
      for (const [i, client] of clients.entries()) {
        const options = {
          serverAddr: "asking",
          distBackend: transport,
          logger: silentLogger,
          secureMinMembers: 3,
        };
        const topology = new ClientSyncTop(client, { ...options, rank: i + 1 });
        running.push(topology.run().catch((error) => void errors.push(error)));
      }
    },
  });
  await server.run();
  await Promise.all(running);
  for (const client of clients) await client[Symbol.asyncDispose]();
  assertEquals(errors.map(String), [
    "ProtocolError: Cannot evaluate: with secure aggregation no figures of a single client are told",
  ]);
  assert(!transport.sent.some(({ code }) => code === MessageCode.EvaluateParams));
});

Deno.test("a client that requires secure aggregation or privacy gives no figures of its data", async () => {
  const { error, asked } = await statisticsRun({ requireSecure: true });
  assertEquals(
    `${error}`,
    "ProtocolError: Cannot join: expected a server with secure aggregation, got one that asks for figures of the data",
  );
  assert(!asked);
  const demand = await statisticsRun({ privacyMaxEpsilon: 8 });
  assertEquals(
    [`${demand.error}`, demand.asked],
    [
      "ProtocolError: Cannot join: expected a server with differential privacy, got one that asks for figures of the data",
      false,
    ],
  );
  assertEquals(await statisticsRun({}), { error: undefined, asked: true });
});

/** Runs a server that asks one client for figures; gives the client's error, and if it answered. */
async function statisticsRun(options: Partial<ClientTopologyOptions>) {
  const transport = new RecordedTransport(memoryTransport), stop = new AbortController();
  const listening = Promise.withResolvers<void>();
  const server = new ServerStatisticsTop({
    ...{ distBackend: transport, logger: silentLogger, listen: "figures" },
    ...{ worldSize: 2, minCount: 1 },
    onEvent: ({ type }) => type === "listening" && listening.resolve(),
  });
  const running = server.run({ signal: stop.signal }).catch(() => {});
  await listening.promise;
  const table = tableOf("a", { age: [63, 41], ill: [1, 0] });
  const handler = new ClientSGDHandler({ data: tableSource({ train: table }) });
  const group = { serverAddr: "figures", distBackend: transport, logger: silentLogger };
  const error = await new ClientFollowingTop(handler, { ...group, ...options }).run()
    .catch((error) => error);
  stop.abort();
  await running;
  await handler[Symbol.asyncDispose]();
  return { error, asked: transport.sent.some(({ code }) => code === MessageCode.Statistics) };
}

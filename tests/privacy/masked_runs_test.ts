/** Runs whose server adds noise to masked sums: `ftrl` with secure aggregation. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  ClientSGDHandler,
  digits,
  initialParameters,
  logisticRegression,
  MessageCode,
  type ParameterVector,
  type RunReport,
  type ServerEvent,
  Simulation,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { memoryTransport } from "../../src/net/mod.ts";
import { CentralPrivacy, type CentralPrivacyOptions } from "../../src/privacy/mod.ts";
import { InProcessPool } from "../../src/sim/mod.ts";
import { CheckpointStore } from "../../src/store/checkpoint/files/checkpoint_store.ts";
import { inFolder } from "../helpers/command.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { RecordedTransport } from "../helpers/recorded_transport.ts";
import { runSync } from "../helpers/sync_run.ts";
import {
  changeOf,
  LENGTH,
  runSecure,
  samplesOf,
  type StageName,
  STAGES,
} from "../server/secure/secure_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ALL = [1, 2, 3, 4, 5];
const PLAN = { mechanism: "ftrl", rounds: 3, clients: 5, cohort: 5, delta: 1e-5 } as const;
const SEEDED = { ...PLAN, noise: 0.5, clip: 0.2, noiseSeed: 3 } as const;
/** Values so far from 0 that the changes of the clients are exact in float32. */
const START = 8;

function strategyOf(options: Partial<CentralPrivacyOptions> = {}): CentralPrivacy {
  return new CentralPrivacy({ ...SEEDED, ...options });
}

function handlerOf(
  { isSecure = true, fraction = 1, ...options }:
    & Partial<CentralPrivacyOptions>
    & { isSecure?: boolean; fraction?: number } = {},
): SyncParameterServerHandler {
  return new SyncParameterServerHandler({
    manifest: vectorManifest(LENGTH),
    parameters: new Float32Array(LENGTH).fill(START),
    strategy: strategyOf(options),
    fraction,
    ...(isSecure && { secureAggregation: { minMembers: 3 } }),
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 1, accuracy: 0 }),
  });
}

/** Model of a server that sees, clips and adds up each update itself, with the same noise. */
function plainModel(
  survivors: readonly (readonly number[])[],
  options: Partial<CentralPrivacyOptions> = {},
): ParameterVector {
  const handler = handlerOf({ ...options, isSecure: false });
  survivors.forEach((ranks, at) => {
    const round = at + 1, base = handler.parameters.slice();
    handler.beginRound(round, options.clients ?? PLAN.clients);
    for (const rank of ranks) {
      const change = changeOf(rank, round);
      const parameters = base.map((value, i) => value + (change[i] ?? 0));
      const update = { round, parameters, numSamples: samplesOf(rank) };
      handler.check(rank, update);
      handler.onReceive(rank, update);
    }
    handler.updateModel();
  });
  return handler.parameters;
}

for (const distBackend of ["memory", "tcp", "websocket"] as const) {
  Deno.test(`a masked run over ${distBackend} has the model of a server that sees each update`, async () => {
    const { model, report, errors } = await runSecure({
      distBackend,
      rounds: 3,
      handler: handlerOf(),
    });
    assertEquals([...errors], []);
    assertEquals(model, plainModel([ALL, ALL, ALL]));
    assertEquals([report.privacy?.guarantee, report.privacy?.releases], [
      "nothing: the noise is seeded",
      3,
    ]);
  });
}

Deno.test("clients in turn get noise that is correlated over the bands", async () => {
  // Each of six clients is in every second round.
  const options = { rounds: 4, clients: 6, cohort: 3, bands: 2 };
  const { model, report } = await runSecure({
    clients: 6,
    rounds: 4,
    handler: handlerOf({ ...options, fraction: 0.5 }),
  });
  const turns = [[1, 2, 3], [4, 5, 6], [1, 2, 3], [4, 5, 6]];
  assertEquals(report.rounds.map(({ cohort }) => cohort), turns);
  assertEquals(model, plainModel(turns, options));
  assertEquals([report.privacy?.participationsMost, report.privacy?.separationLeast], [2, 2]);
});

for (const stage of ["keys", "shares", "masked", "reveal"] as const) {
  Deno.test(`the sum without a client that is lost at ${stage} has all of the noise`, async () => {
    const { model, report, errors } = await runSecure({
      rounds: 3,
      handler: handlerOf(),
      before: lostAt(2, stage),
    });
    assertEquals([...errors.keys()], [2]);
    const left = ALL.filter((rank) => rank !== 2);
    assertEquals(model, plainModel([ALL, stage === "reveal" ? ALL : left, left]));
    assertEquals([report.privacy?.releases, report.privacy?.participationsMost], [3, 3]);
  });
}

/** Has a client go away for good at a stage of round 2. */
function lostAt(lost: number, stage: StageName) {
  return (rank: number, code: MessageCode, payload: object) => {
    const isDue = code === STAGES[stage] && "round" in payload && payload.round === 2;
    if (isDue && rank === lost) throw new Error("gone");
  };
}

Deno.test("the noise on a masked sum has the deviation of the guarantee, and clients count alike", async () => {
  const { noiseSeed: _, ...system } = SEEDED;
  const noise = 3, clip = 0.5;
  const { model, report } = await runSecure({
    rounds: 1,
    handler: new SyncParameterServerHandler({
      manifest: vectorManifest(LENGTH),
      parameters: new Float32Array(LENGTH).fill(START),
      strategy: new CentralPrivacy({ ...system, rounds: 1, noise, clip }),
      secureAggregation: { minMembers: 3 },
    }),
    // The fifth client would count ten times as much as the others.
    handlerOf: (rank) =>
      new FakeHandler(vectorManifest(LENGTH), {
        numSamples: rank === 5 ? 1000 : 10,
        step: (vector) => vector.forEach((value, i) => vector[i] = value + (rank === 5 ? -1 : 1)),
      }),
  });
  const moves = model.map((value) => value - START);
  const mean = moves.reduce((sum, one) => sum + one, 0) / LENGTH;
  const deviation = Math.sqrt(moves.reduce((sum, one) => sum + (one - mean) ** 2, 0) / LENGTH);
  const want = noise * clip / 5, moved = clip / Math.sqrt(LENGTH);
  assert(Math.abs(deviation / want - 1) < 5 / Math.sqrt(2 * LENGTH), `${deviation} of ${want}`);
  assert(Math.abs(mean - 3 * moved / 5) < 5 * want / Math.sqrt(LENGTH), `${mean}`);
  const { privacy, secure } = report;
  assert((privacy?.epsilon ?? 0) > 0 && privacy?.source === "system");
  assert(privacy?.trust?.startsWith("the server, which sees sums of updates and adds the noise"));
  assert(secure?.guarantee.startsWith("the server learns sums"));
});

Deno.test("a run ends before the round for which its clients have no budget", async () => {
  const { report } = await runSecure({ rounds: 2, handler: handlerOf({ rounds: 1 }) });
  assertEquals(report.rounds.length, 1);
  assert(report.stopped?.reason.includes("the privacy budget is spent"), report.stopped?.reason);
});

Deno.test("a resumed run goes on with the account of the masked sums", () =>
  inFolder(async (folder) => {
    const checkpoints = new CheckpointStore(folder);
    let evaluations = 0;
    const dying = () => {
      if (++evaluations === 2) throw new Error("killed");
      return Promise.resolve({ numSamples: 1, loss: 1, accuracy: 0 });
    };
    const first = new SyncParameterServerHandler({
      manifest: vectorManifest(LENGTH),
      parameters: new Float32Array(LENGTH).fill(START),
      ...{ strategy: strategyOf(), secureAggregation: { minMembers: 3 }, evaluator: dying },
    });
    await assertRejects(
      () => runSecure({ rounds: 3, handler: first, server: { checkpoints } }),
      Error,
      "killed",
    );
    const resume = await checkpoints.latest();
    assert(resume !== undefined);
    // What the second round has released was saved before it was evaluated.
    assertEquals(resume.round, 2);
    const { report } = await runSecure({
      rounds: 3,
      handler: handlerOf(),
      server: { checkpoints, resume },
    });
    assertEquals(report.rounds.map(({ round }) => round), [1, 2, 3]);
    assertEquals([report.privacy?.releases, report.privacy?.participationsMost], [3, 3]);
  }));

const all = await digits();
/** Numbers of samples that occur nowhere else. */
const COUNTS = [211, 223, 227, 229, 233];
const parts = COUNTS.map((count) => Array.from({ length: count }, (_, i) => i));

async function digitsHandler(): Promise<SyncParameterServerHandler> {
  const model = logisticRegression({ inputShape: [8, 8, 1], numClasses: 10 });
  return new SyncParameterServerHandler({
    ...{ ...await initialParameters(model, 1), model, seed: 1 },
    strategy: new CentralPrivacy({ ...SEEDED, rounds: 20 }),
    secureAggregation: { minMembers: 3 },
  });
}

Deno.test("a masked run tells no update, no weight and no figure of a client, and is simulated", () =>
  inFolder(async (folder) => {
    const transport = new RecordedTransport(memoryTransport), events: ServerEvent[] = [];
    const clients = parts.map((rows) => new ClientSGDHandler({ data: all.select(rows) }));
    const checkpoints = new CheckpointStore(folder), logged: string[] = [];
    const add = (text: string) => void logged.push(text);
    const report = await runSync(await digitsHandler(), {
      ...{ clients, rounds: 2 },
      server: {
        ...{ checkpoints, listen: "masked-ftrl", distBackend: transport },
        logger: { debug: add, info: add, warn: add, error: add },
      },
      client: () => ({ distBackend: transport, requireSecure: true }),
      onEvent: (event) => events.push(event),
    });
    for (const client of clients) await client[Symbol.asyncDispose]();
    const masked = transport.sent.filter(({ code }) => code === MessageCode.MaskedUpdate);
    assertEquals(masked.length, 10);
    const saved = await checkpoints.latest();
    const { state, history } = saved ?? {};
    checkUntold({ report, events, state, history, logged });
    for (const makeMasks of [false, true]) {
      const simulated: RunReport = await new Simulation(await digitsHandler(), {
        ...{ train: all, parts, test: all, rounds: 2, pool: InProcessPool.start, makeMasks },
      }).run();
      assertEquals(simulated.modelDigest, report.modelDigest, `masks: ${makeMasks}`);
    }
    // No vector that a client has sent is one of parameters.
    const clear = transport.sent.filter(({ payload }) => "numSamples" in payload);
    for (const { payload } of clear) assertEquals("numSamples" in payload && payload.numSamples, 1);
  }));

function checkUntold(value: unknown): void {
  JSON.stringify(value, (name, part) => {
    const isFigure = ["numSamples", "norm", "work", "trainByRank", "trainLoss"].includes(name);
    assert(!isFigure, `${name} is told`);
    assert(typeof part !== "number" || !COUNTS.includes(part), `${name} ${part} is told`);
    return part;
  });
}

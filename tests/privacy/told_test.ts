/** What a private run tells of single clients: in its log, events, report and checkpoints. */
import { assert, assertEquals } from "@std/assert";
import {
  AuditLog,
  CannotTrainError,
  ClientSGDHandler,
  digits,
  initialParameters,
  logisticRegression,
  type RunReport,
  type ServerEvent,
  Simulation,
  SyncParameterServerHandler,
  type TrainResult,
} from "../../mod.ts";
import { CentralPrivacy, type CentralPrivacyOptions } from "../../src/privacy/mod.ts";
import { CheckpointStore } from "../../src/store/checkpoint/files/checkpoint_store.ts";
import { InProcessPool } from "../../src/sim/mod.ts";
import { inFolder } from "../helpers/command.ts";
import { runSync } from "../helpers/sync_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const all = await digits();
/** Numbers of samples that occur nowhere else. */
const COUNTS = [211, 223, 227, 229];
const rounds = 4;
const parts = COUNTS.map((count) => Array.from({ length: count }, (_, i) => i));
const REASON = "my loss is 1234.5";

/** A client that cannot train, and says more about its data than it should. */
class Talkative extends ClientSGDHandler {
  override train(): Promise<TrainResult> {
    return Promise.reject(new CannotTrainError(REASON));
  }
}

async function handlerOf(mechanism: CentralPrivacyOptions["mechanism"]) {
  const model = logisticRegression({ inputShape: [8, 8, 1], numClasses: 10 });
  return new SyncParameterServerHandler({
    ...{ ...await initialParameters(model, 1), model, seed: 1, fraction: 0.75 },
    strategy: new CentralPrivacy({
      // The budget is for more rounds, so that none ends the run.
      ...{ mechanism, noise: 1, delta: 1e-3, rounds: 20, clients: COUNTS.length, cohort: 3 },
    }),
  });
}

/** Gathers the names and the numbers in a value. */
function contentOf(value: unknown): { names: Set<string>; numbers: Set<unknown> } {
  const names = new Set<string>(), numbers = new Set<unknown>();
  JSON.stringify(value, (name, part) => {
    names.add(name);
    if (typeof part === "number") numbers.add(part);
    return part;
  });
  return { names, numbers };
}

/** Checks that a value has no figure of a client, and with secret cohorts none of their members. */
function checkUntold(value: unknown, what: string, isSecret: boolean): void {
  const { names, numbers } = contentOf(value);
  const figures = ["numSamples", "loss", "trainLoss", "norm", "work", "metrics", "samples"];
  const members = isSecret ? ["rank", "answered", "lastRound", "participations"] : [];
  for (const name of figures) assert(!names.has(name), `${what} has ${name}`);
  for (const count of COUNTS) assert(!numbers.has(count), `${what} has ${count}`);
  assert(!JSON.stringify(value).includes(REASON), `${what} has the reason of a client`);
  for (const name of members) {
    if (what === "checkpoint") assert(!names.has(name), `${what} has ${name}`);
  }
}

for (const mechanism of ["ftrl", "fedavg"] as const) {
  const isSecret = mechanism === "fedavg";

  Deno.test(`a live run by ${mechanism} tells nothing of a client's data`, () =>
    inFolder(async (folder) => {
      const clients = parts.map((rows, i) => {
        const Handler = i === 3 ? Talkative : ClientSGDHandler;
        return new Handler({ data: all.select(rows) });
      });
      const checkpoints = new CheckpointStore(`${folder}/checkpoints`);
      const events: ServerEvent[] = [], logged: string[] = [];
      const add = (text: string) => void logged.push(text);
      const logger = { debug: add, info: add, warn: add, error: add };
      const report = await (async () => {
        using audit = new AuditLog(`${folder}/audit.jsonl`);
        return await runSync(await handlerOf(mechanism), {
          ...{ clients, rounds },
          server: {
            ...{ checkpoints, quorum: 0.1, logger },
          },
          onEvent: (event) => {
            events.push(event);
            audit.record(event);
          },
        });
      })();
      for (const client of clients) await client[Symbol.asyncDispose]();

      checkUntold(events, "events", isSecret);
      checkUntold(report, "report", isSecret);
      const types = new Set(events.map(({ type }) => type));
      assert(types.has("client-joined") && types.has("checkpoint"));
      for (const type of ["update-received", "update-refused"] as const) {
        assertEquals(types.has(type), !isSecret, type);
      }
      // With secret cohorts a rank says that a client joins or leaves, and nothing of a round.
      const ranked = events.filter((event) => "rank" in event && !event.type.startsWith("client-"));
      assertEquals(ranked.length === 0, isSecret);

      const saved = await checkpoints.latest();
      assert(saved !== undefined);
      checkUntold({ state: saved.state, history: saved.history }, "checkpoint", isSecret);

      for (const { received, cohort, bytesUp } of saved.history as RunReport["rounds"]) {
        // With secret cohorts there are the planned numbers alone.
        if (isSecret) assertEquals([received, cohort, bytesUp], [3, [], 0]);
      }

      const lines = (await Deno.readTextFile(`${folder}/audit.jsonl`)).trimEnd().split("\n");
      checkUntold(lines.map((line) => JSON.parse(line)), "audit log", isSecret);
      const log = logged.join("\n");
      assert(log.includes("Rank 1 joined from"));
      for (const text of [...COUNTS.map((count) => ` ${count} `), "samples", REASON]) {
        assert(!log.includes(text), `the log has ${text}`);
      }
      assertEquals(log.includes("the update of rank 4"), !isSecret);
    }));

  Deno.test(`a simulation by ${mechanism} tells nothing of a client's data`, () =>
    inFolder(async (folder) => {
      const checkpoints = new CheckpointStore(folder);
      const events: ServerEvent[] = [];
      const simulation = new Simulation(await handlerOf(mechanism), {
        ...{ train: all, test: all, parts, rounds, checkpoints, pool: InProcessPool.start },
        onEvent: (event) => events.push(event),
      });
      await simulation.run();
      // The loss of a round is the server's own.
      const others = events.filter(({ type }) => type !== "round-ended" && type !== "finished");
      checkUntold(others, "events", isSecret);
      assertEquals(others.some(({ type }) => type === "update-received"), !isSecret);
      const saved = await checkpoints.latest();
      assert(saved !== undefined);
      const { clients, members, strategyState } = saved.state;
      checkUntold({ clients, members, strategyState }, "checkpoint", isSecret);
    }));
}

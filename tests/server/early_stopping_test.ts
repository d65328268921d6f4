import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  AsyncParameterServerHandler,
  CheckpointStore,
  ClientFollowingTop,
  type RunReport,
  ServerAsyncTop,
  ServerSyncTop,
  silentLogger,
  Simulation,
  SyncParameterServerHandler,
} from "../../mod.ts";
import type { StoppingOptions } from "../../src/round/mod.ts";
import { inFolder } from "../helpers/command.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(2);
const ROUNDS = 12;
/** Losses after the rounds; the vector's values count the rounds. */
const LOSSES = [9, 8, 5, 6, 7, 5.5, 4, 4.5, 3, 2, 1, 0.5];

/** Handler whose evaluator knows the round by the vector, to which each round adds 1. */
function options(schedule: { plan?: { learningRate: number } } = {}) {
  return {
    manifest: MANIFEST,
    parameters: new Float32Array(2),
    evaluator: ([round = 0]: Float32Array) =>
      Promise.resolve({
        numSamples: 4,
        loss: LOSSES[Math.round(round) - 1] ?? NaN,
        metrics: { f1: Math.round(round) / 100 },
      }),
    ...schedule,
  };
}

type Mode = "sync" | "async" | "simulation";

interface Ended {
  readonly report: RunReport;
  readonly best: readonly number[] | undefined;
  readonly last: number | undefined;
}

async function run(
  mode: Mode,
  stopping: StoppingOptions,
  { folder, resume = false, rounds = ROUNDS, learningRate }: {
    folder?: string;
    resume?: boolean;
    rounds?: number;
    learningRate?: number;
  } = {},
): Promise<Ended> {
  const store = folder === undefined ? undefined : new CheckpointStore(folder);
  const checkpoint = resume ? await store?.latest() : undefined;
  const common = {
    stopping,
    ...(store && { checkpoints: store }),
    ...(checkpoint && { resume: checkpoint }),
  };
  const made = options(learningRate === undefined ? {} : { plan: { learningRate } });
  if (mode === "simulation") {
    // A simulation evaluates on data, so the clients have the figures here.
    const { evaluator, ...rest } = made;
    class Evaluating extends FakeHandler {
      override evaluate() {
        return evaluator(this.parameters);
      }
    }
    const simulation = new Simulation(new SyncParameterServerHandler(rest), {
      ...common,
      clients: 1,
      rounds,
      handler: () => new Evaluating(MANIFEST),
    });
    const report = await simulation.run();
    const { best, handler } = simulation;
    return { report, best: best && [...best.parameters], last: handler.parameters[0] };
  }
  const group = { distBackend: "memory", logger: silentLogger } as const;
  let client: Promise<void> | undefined;
  const topology = {
    ...group,
    ...common,
    listen: `stopping-${crypto.randomUUID()}`,
    worldSize: 2,
    onEvent: (event: { type: string; address?: string }) => {
      if (event.type !== "listening" || event.address === undefined) return;
      // A run that is over tells clients so.
      client = new ClientFollowingTop(new FakeHandler(MANIFEST), {
        ...group,
        serverAddr: event.address,
      }).run().catch(() => {});
    },
  };
  const server = mode === "sync"
    ? new ServerSyncTop(new SyncParameterServerHandler(made), { ...topology, rounds })
    : new ServerAsyncTop(new AsyncParameterServerHandler(made), { ...topology, versions: rounds });
  const report = await server.run();
  await client;
  return {
    report,
    best: server.best && [...server.best.parameters],
    last: server.handler.parameters[0],
  };
}

for (const mode of ["sync", "simulation"] as const) {
  Deno.test(`a run, ${mode}, stops by its patience, and has the parameters of its best round`, async () => {
    const { report, best, last } = await run(mode, {
      monitor: "loss",
      patience: 3,
      keepBest: true,
    });
    assertEquals(report.rounds.length, 6);
    assertEquals(report.stopped, {
      round: 6,
      reason: "loss has not improved for 3 evaluations since round 3, where it was 5",
    });
    assertEquals(report.best, { round: 3, metric: "loss", value: 5 });
    assertEquals([best, last], [[3, 3], 6]);
  });

  Deno.test(`a run, ${mode}, stops at the value of any metric, and keeps no best model that nobody asked for`, async () => {
    const { report, best } = await run(mode, { stopAt: { metric: "f1", value: 0.05 } });
    assertEquals(report.stopped, { round: 5, reason: "f1 of 0.05 has reached 0.05" });
    assertEquals(best, undefined);
  });

  Deno.test(`a run, ${mode}, that stopped early stays so when it is resumed, and goes on with more patience`, () =>
    inFolder(async (folder) => {
      const stopping = { monitor: "loss", patience: 3, keepBest: true };
      const first = await run(mode, stopping, { folder });
      const again = await run(mode, stopping, { folder, resume: true });
      assertEquals(again.report.stopped, first.report.stopped);
      assertEquals(again.report.modelDigest, first.report.modelDigest);
      // The best model is that of before the interruption.
      assertEquals([again.best, again.report.best?.round], [[3, 3], 3]);
      const more = await run(mode, { ...stopping, patience: 4 }, { folder, resume: true });
      assertEquals([more.report.rounds.length, more.report.stopped], [ROUNDS, undefined]);
      assertEquals([more.best, more.report.best?.round], [[12, 12], 12]);
    }));
}

Deno.test("an asynchronous run stops early too", async () => {
  const { report } = await run("async", { monitor: "loss", patience: 1 });
  // FedAsync mixes the update in, so that the values count half versions; what counts is the end.
  assert(report.rounds.length < ROUNDS);
  assertEquals(report.stopped?.round, report.rounds.length);
});

Deno.test("a run that stops early at its last round has not stopped early", async () => {
  const { report } = await run("sync", { monitor: "loss", patience: 3 }, { rounds: 6 });
  assertEquals([report.rounds.length, report.stopped], [6, undefined]);
});

Deno.test("a metric that the evaluation lacks ends the run after its first round", async () => {
  for (const mode of ["sync", "simulation"] as const) {
    await assertRejects(
      () => run(mode, { monitor: "rocAuc" }),
      RangeError,
      "figures of round 1, got loss, f1",
    );
  }
});

Deno.test("checkpoints have the best model where it is kept, and only there", () =>
  inFolder(async (folder) => {
    for (const keepBest of [false, true]) {
      const own = `${folder}/${keepBest}`;
      await run("sync", { keepBest }, { folder: own, rounds: 2 });
      const { vectors = {} } = await new CheckpointStore(own).latest() ?? {};
      assertEquals(Object.keys(vectors), keepBest ? ["best/parameters"] : []);
    }
  }));

Deno.test("a run that is resumed with another learning rate reports the change", () =>
  inFolder(async (folder) => {
    await run("simulation", {}, { folder, rounds: 2, learningRate: 0.5 });
    const { report } = await run("simulation", {}, {
      folder,
      resume: true,
      rounds: 3,
      learningRate: 0.25,
    });
    assertEquals(report.changes, [
      { round: 3, from: { learningRate: 0.5 }, to: { learningRate: 0.25 } },
    ]);
    const same = await run("simulation", {}, {
      folder,
      resume: true,
      rounds: 4,
      learningRate: 0.25,
    });
    assertEquals(same.report.changes, report.changes);
    assertEquals(same.report.plan?.learningRate, 0.25);
  }));

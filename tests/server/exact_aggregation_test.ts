/** Exact aggregation on a live server: one model in every order of arrival, that of a simulation. */
import { assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  CheckpointStore,
  ClientSyncTop,
  type Dataset,
  digits,
  initialParameters,
  mlp,
  NativeSGDHandler,
  parseStrategy,
  partition,
  ProtocolError,
  Random,
  type RunReport,
  ServerSyncTop,
  silentLogger,
  Simulation,
  type Strategy,
  SyncParameterServerHandler,
  type TrainPlan,
  type TrainResult,
} from "../../mod.ts";
import type { GradientResult } from "../../src/plan/results.ts";
import { InProcessPool } from "../../src/sim/mod.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { STRATEGY_NAMES } from "../../src/strategy/mod.ts";
import { runSync } from "../helpers/sync_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const CLIENTS = 8, ROUNDS = 3, SEED = 3;
const OPTIONS: Readonly<Record<string, string>> = {
  "fedper": "fedper:local=logits",
  "norm-clipping": "norm-clipping:bound=0.1",
};

const all = await digits();
const train: Dataset = all.select(Array.from({ length: 240 }, (_, i) => i));
const parts = [...partition("dirichlet:1", train, { parts: CLIENTS, seed: SEED })];
const model = mlp({ inputShape: train.shape, numClasses: train.numClasses, hiddenUnits: 8 });

/** Makes a server's handler whose sums are exact. */
async function handlerOf(
  strategy: string,
  more: Partial<ConstructorParameters<typeof SyncParameterServerHandler>[0]> = {},
): Promise<SyncParameterServerHandler> {
  return new SyncParameterServerHandler({
    ...await initialParameters(model, SEED),
    model,
    strategy: parseStrategy(strategy),
    plan: { epochs: 1, batchSize: 16, learningRate: 0.05 },
    seed: SEED,
    aggregation: "exact",
    ...more,
  });
}

function simulated(handler: SyncParameterServerHandler): Promise<RunReport> {
  const options = { train, parts, rounds: ROUNDS, pool: InProcessPool.start };
  return new Simulation(handler, options).run();
}

/** Lets the clients of a round send their updates in a random order, one after the other. */
class Arrivals {
  readonly taken: number[][] = [];
  readonly #waiting = new Map<string, () => void>();

  constructor(readonly seed: number) {}

  /** Returns the ranks of a round in the order in which they send. */
  order(round: number): number[] {
    return [...new Random(this.seed, "test", { round }).permutation(CLIENTS)].map((i) => i + 1);
  }

  /** Waits until the server has taken the update before that of the rank. */
  async turn(round: number, rank: number): Promise<void> {
    const place = this.order(round).indexOf(rank);
    if ((this.taken[round - 1] ?? []).length >= place) return;
    await new Promise<void>((resolve) => this.#waiting.set(`${round} ${place}`, resolve));
  }

  take(round: number, rank: number): void {
    const taken = this.taken[round - 1] ??= [];
    const place = taken.push(rank);
    this.#waiting.get(`${round} ${place}`)?.();
  }
}

/** A client that sends its update when it is its turn. */
class PatientHandler extends NativeSGDHandler {
  constructor(readonly arrivals: Arrivals, rows: Uint32Array) {
    super({ data: train, rows });
  }

  override async train(plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    await this.arrivals.turn(plan.round, plan.rank);
    return await super.train(plan, signal);
  }

  override async gradient(plan: TrainPlan, signal?: AbortSignal): Promise<GradientResult> {
    await this.arrivals.turn(plan.round, plan.rank);
    return await super.gradient(plan, signal);
  }
}

/** Runs a server whose updates arrive in a random order. */
async function live(
  handler: SyncParameterServerHandler,
  seed: number,
  distBackend: "memory" | "tcp" = "memory",
): Promise<RunReport> {
  const arrivals = new Arrivals(seed);
  const report = await runSync(handler, {
    clients: parts.map((rows) => new PatientHandler(arrivals, Uint32Array.from(rows))),
    rounds: ROUNDS,
    distBackend,
    onEvent: (event) => {
      if (event.type === "update-received") arrivals.take(event.round, event.rank);
    },
  });
  // Each update was taken before the next was sent: none waited for another rank.
  assertEquals(arrivals.taken, Array.from({ length: ROUNDS }, (_, i) => arrivals.order(i + 1)));
  return report;
}

/** Figures of a report that do not depend on how a run was made. */
function figuresOf({ modelDigest, aggregation, rounds }: RunReport) {
  return {
    modelDigest,
    aggregation,
    rounds: rounds.map(({ cohort, received, trainLoss, trainMetrics, trainByRank }) => {
      // A simulated client tells that a gradient took no steps, a message of one does not.
      const byRank = trainByRank?.map(({ rank, samples, loss }) => ({ rank, samples, loss }));
      return { cohort, received, trainLoss, trainMetrics, byRank };
    }),
  };
}

const summed = STRATEGY_NAMES.map((name) => OPTIONS[name] ?? name)
  .filter((name) => parseStrategy(name).sums !== undefined);

Deno.test("exact aggregation is for all strategies but those that compare or multiply updates", () => {
  const others = STRATEGY_NAMES.filter((name) => !summed.includes(OPTIONS[name] ?? name));
  assertEquals(others, [
    ...["flex", "median", "trimmed-mean", "geometric-median", "krum", "multi-krum", "bulyan"],
  ]);
});

for (const strategy of summed) {
  Deno.test(`an exact server gives the model of ${strategy}'s simulation in every order of arrival`, async () => {
    const expected = figuresOf(await simulated(await handlerOf(strategy)));
    assertEquals(expected.aggregation, "exact");
    for (const seed of [1, 2]) {
      assertEquals(figuresOf(await live(await handlerOf(strategy), seed)), expected);
    }
  });
}

Deno.test("an exact server with a single staging buffer takes updates in any order, over TCP", async () => {
  const expected = figuresOf(await simulated(await handlerOf("fedavg")));
  const handler = await handlerOf("fedavg", { stagingBuffers: 1 });
  assertEquals(figuresOf(await live(handler, 3, "tcp")), expected);
});

Deno.test("an update that is too large for exact sums is refused, and changes nothing", async () => {
  const handler = await handlerOf("fedavg", { updateBound: Infinity });
  const vector = (value: number) => new Float32Array(handler.manifest.length).fill(value);
  const mean = () => {
    handler.beginRound(1, 2);
    const take = (rank: number, parameters: Float32Array<ArrayBuffer>, numSamples: number) => {
      const payload = { round: 1, numSamples, parameters };
      handler.check(rank, payload);
      handler.onReceive(rank, payload);
    };
    take(1, vector(1), 10);
    for (const [value, samples] of [[2 ** 38, 2], [2 ** 36, 5], [1, 2 ** 39]] as const) {
      assertThrows(
        () => take(2, vector(value), samples),
        ProtocolError,
        "Cannot take the update of rank 2: Cannot add to an exact sum",
      );
    }
    take(3, vector(4), 5);
    handler.updateModel();
    return new Set(handler.parameters);
  };
  assertEquals(mean(), new Set([2]));
});

/** Runs a round of clients that add a number to each value. */
async function roundOf(steps: readonly number[], more: object = {}): Promise<RunReport> {
  const manifest = vectorManifest(5);
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const handler = new SyncParameterServerHandler({
    manifest,
    parameters: new Float32Array(5),
    aggregation: "exact",
    ...more,
  });
  let clients: Promise<void>[] = [];
  const server = new ServerSyncTop(handler, {
    ...group,
    listen: "exact-full",
    worldSize: steps.length + 1,
    rounds: 1,
    onEvent: (event) => {
      if (event.type !== "listening") return;
      clients = steps.map((step, i) =>
        new ClientSyncTop(
          new FakeHandler(manifest, { step: (vector) => void vector.fill(step) }),
          { ...group, serverAddr: event.address, rank: i + 1 },
        ).run()
      );
    },
  });
  try {
    const report = await server.run();
    assertEquals([...handler.parameters], new Array(5).fill(1));
    return report;
  } finally {
    await Promise.allSettled(clients);
  }
}

Deno.test("members that fill the exact sums are found and left out, and the run goes on", async () => {
  const { rounds: [round] } = await roundOf([
    ...new Array(5).fill(2 ** 38),
    ...new Array(7).fill(1),
  ]);
  assertEquals(round?.losses.map(({ rank }) => rank), [1, 2, 3, 4, 5]);
  assertEquals([round?.tries, round?.received], [2, 7]);
});

Deno.test("a round whose updates are all too large together ends with an error that says so", async () => {
  await assertRejects(
    () => roundOf(new Array(12).fill(2 ** 38), { updateBound: Infinity }),
    Error,
    "Cannot end round 1: Cannot add to an exact sum: expected a sum of magnitudes below 2^40",
  );
});

Deno.test("a run goes on only with the aggregation with which it began", async () => {
  const folder = await Deno.makeTempDir();
  const whole = await simulated(await handlerOf("fedadam"));
  const checkpoints = new CheckpointStore(folder);
  const options = { train, parts, pool: InProcessPool.start };
  await new Simulation(await handlerOf("fedadam"), { ...options, rounds: 2, checkpoints }).run();
  const resume = await checkpoints.latest();
  const goOn = async (aggregation: "exact" | "running") => {
    const handler = await handlerOf("fedadam", { aggregation });
    return await new Simulation(handler, { ...options, rounds: ROUNDS, ...resume && { resume } })
      .run();
  };
  assertEquals((await goOn("exact")).modelDigest, whole.modelDigest);
  await assertRejects(() => goOn("running"), RangeError, "expected aggregation running, got exact");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a server refuses an aggregation that there is not, or that a strategy does not have", async () => {
  const refuse = (strategy: string, aggregation: "exact", text: string) =>
    assertRejects(() => handlerOf(strategy, { aggregation }), RangeError, text);
  await refuse("fedavg", "sorted" as "exact", "expected aggregation running or exact, got sorted");
  await refuse(
    "krum",
    "exact",
    "exact aggregation does not go with a strategy that is no function",
  );

  class LastUpdate implements Strategy {
    readonly name = "last";
    readonly workingVectors = 0;
    readonly sums = { vectors: {} };
    begin: Strategy["begin"] = (global) => ({ accept: () => {}, finish: () => global });
  }
  const handler = await handlerOf("fedavg", { strategy: new LastUpdate() });
  assertThrows(() => handler.beginRound(1, 2), RangeError, "expected rounds of last to have exact");
});

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import {
  ClientBackendHandler,
  DEFAULT_PLAN,
  Ditto,
  type EvaluateResult,
  FedAvg,
  FedDyn,
  FedNova,
  FedPer,
  FedProx,
  FedSGD,
  Manifest,
  type ParameterVector,
  parseStrategy,
  QFedAvg,
  Scaffold,
  type Strategy,
  strategyOf,
  type TrainPlan,
  type TrainResult,
} from "../../mod.ts";
import { LocalLearner } from "../../src/train/mod.ts";
import { INFO, roundOf, updateOf } from "../../src/testing/strategy/updates.ts";
import { testStrategy } from "../../src/testing/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

testStrategy(() => new FedProx({ mu: 1 }));
testStrategy(() => new Ditto());
testStrategy(() => new FedPer({ local: ["w"] }));
testStrategy(() => new Scaffold());
testStrategy(() => new FedDyn({ alpha: 0.1 }), { agrees: false });

const manifest = Manifest.of([{ name: "head/w", shape: [1] }, { name: "body/w", shape: [2] }]);

/** Minimizes `Σ curvature (w - optimum)² / 2` by one full step per epoch. */
class Quadratic extends ClientBackendHandler {
  readonly manifest = manifest;
  readonly numSamples: number = 1;
  readonly #curvature: readonly number[];
  readonly #optimum: readonly number[];
  #w = new Float32Array(manifest.length);

  constructor(curvature: readonly number[], optimum: readonly number[]) {
    super();
    this.#curvature = curvature;
    this.#optimum = optimum;
  }

  get parameters(): ParameterVector {
    return this.#w;
  }

  set parameters(vector: ParameterVector) {
    this.#w.set(vector);
  }

  get loss(): number {
    return this.#w.reduce(
      (sum, w, i) => sum + this.#curvature[i]! * (w - this.#optimum[i]!) ** 2 / 2,
      0,
    );
  }

  train({ epochs, learningRate, proximal = 0, correction }: TrainPlan): Promise<TrainResult> {
    const start = this.#w.slice();
    for (let step = 0; step < epochs; step++) {
      this.#w.forEach((w, i) => {
        const slope = this.#curvature[i]! * (w - this.#optimum[i]!);
        const more = proximal * (w - start[i]!) + (correction?.[i] ?? 0);
        this.#w[i] = w - learningRate * (slope + more);
      });
    }
    return Promise.resolve({ numSamples: 1, steps: epochs, loss: this.loss, metrics: {} });
  }

  evaluate(): Promise<EvaluateResult> {
    return Promise.resolve({ numSamples: 1, loss: this.loss });
  }
}

const CURVATURES = [[1, 1, 2], [4, 0.5, 2], [2, 3, 0.25]];
const OPTIMA = [[1, -1, 0], [-1, 2, 3], [0, 1, 1]];
/** Point at which the clients' gradients add up to 0. */
const OPTIMUM = [0, 1, 2].map((i) => {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return sum(CURVATURES.map((a, k) => a[i]! * OPTIMA[k]![i]!)) / sum(CURVATURES.map((a) => a[i]!));
});

/** Three clients of different curvature. */
function clients(): LocalLearner[] {
  return CURVATURES.map((curvature, i) => new LocalLearner(new Quadratic(curvature, OPTIMA[i]!)));
}

const PLAN = { ...DEFAULT_PLAN, epochs: 10, learningRate: 0.05 };

/** Runs rounds of a strategy; the learners with the given indices take part in a round. */
async function federate(
  strategy: Strategy,
  learners: readonly LocalLearner[],
  rounds: number,
  cohortOf = (_round: number) => learners.map((_, i) => i),
): Promise<ParameterVector> {
  const plan = { ...PLAN, ...strategy.clientSettings };
  let global = new Float32Array(manifest.length);
  for (let round = 1; round <= rounds; round++) {
    const info = { round, numClients: learners.length, plan };
    const open = strategy.begin(global, info);
    for (const i of cohortOf(round)) {
      const learner = learners[i]!;
      learner.load(global, plan.rule, strategy.control);
      const result = await learner.train({ ...plan, round, rank: i + 1, seed: 0 });
      const update = { ...result, rank: i + 1, parameters: learner.update };
      strategy.check?.(update);
      open.accept(update);
      learner.settle();
    }
    global = open.finish().slice();
  }
  return global;
}

/** Root of the mean square of the distance from the true optimum. */
function distance(vector: ParameterVector): number {
  return Math.hypot(...vector.map((w, i) => w - OPTIMUM[i]!)) / Math.sqrt(vector.length);
}

Deno.test("FedAvg ends beside the optimum of clients with unlike curvature", async () => {
  assert(distance(await federate(new FedAvg(), clients(), 300)) > 0.02);
});

Deno.test("Scaffold reaches the true optimum, with all clients and with some a round", async () => {
  assert(distance(await federate(new Scaffold(), clients(), 300)) < 1e-5);
  const twoOfThree = (round: number) => [round % 3, (round + 1) % 3].sort();
  assert(distance(await federate(new Scaffold(), clients(), 600, twoOfThree)) < 1e-3);
});

Deno.test("FedDyn reaches the true optimum, with all clients and with some a round", async () => {
  assert(distance(await federate(new FedDyn({ alpha: 1 }), clients(), 300)) < 1e-4);
  const twoOfThree = (round: number) => [round % 3, (round + 1) % 3].sort();
  assert(distance(await federate(new FedDyn({ alpha: 1 }), clients(), 900, twoOfThree)) < 1e-3);
});

Deno.test("Scaffold and its clients follow the paper's algorithm 1, computed separately", async () => {
  const strategy = new Scaffold({ learningRate: 0.5 });
  const learners = clients();
  const got = await federate(strategy, learners, 4);
  const { epochs: K, learningRate: eta } = PLAN;
  let x = [0, 0, 0], c = [0, 0, 0];
  const ci = CURVATURES.map(() => [0, 0, 0]);
  for (let round = 0; round < 4; round++) {
    const ys = CURVATURES.map((a, k) =>
      x.map((w, i) => {
        for (let step = 0; step < K; step++) {
          w -= eta * (a[i]! * (w - OPTIMA[k]![i]!) - ci[k]![i]! + c[i]!);
        }
        return w;
      })
    );
    const deltas = ys.map((y, k) =>
      y.map((w, i) => {
        const next = ci[k]![i]! - c[i]! + (x[i]! - w) / (K * eta);
        const delta = next - ci[k]![i]!;
        ci[k]![i] = next;
        return delta;
      })
    );
    x = x.map((w, i) => w + 0.5 * ys.reduce((sum, y) => sum + (y[i]! - w) / 3, 0));
    c = c.map((v, i) => v + deltas.reduce((sum, d) => sum + d[i]! / 3, 0));
  }
  got.forEach((w, i) => assertAlmostEquals(w, x[i]!, 1e-5));
  strategy.control?.forEach((v, i) => assertAlmostEquals(v, c[i]!, 1e-4));
  learners.forEach(({ own }, k) => own?.forEach((v, i) => assertAlmostEquals(v, ci[k]![i]!, 1e-4)));
});

Deno.test("LocalLearner refuses SCAFFOLD with momentum or Adam", async () => {
  const [learner] = clients();
  assert(learner);
  learner.load(new Float32Array(3), { name: "scaffold" });
  for (const changes of [{ momentum: 0.9 }, { optimizer: "adam" }] as const) {
    const plan = { ...PLAN, ...changes, round: 1, rank: 1, seed: 0 };
    await assertRejects(() => learner.train(plan), RangeError, "scaffold does not go with");
  }
});

Deno.test("FedProx's clients end nearer to where they began, the stronger the pull", async () => {
  const lengths: number[] = [];
  for (const mu of [0, 1, 10]) {
    const moved = await federate(new FedProx({ mu }), clients().slice(0, 1), 1);
    lengths.push(Math.hypot(...moved));
  }
  const [free = 0, pulled = 0, held = 0] = lengths;
  assert(free > pulled && pulled > held && held > 0);
});

Deno.test("Ditto's clients keep models of their own between the global optimum and theirs", async () => {
  for (const [lambda, near] of [[0, 1], [2, 0], [18, 0]] as const) {
    const learners = clients();
    const global = await federate(new Ditto({ lambda }), learners, 400);
    learners.forEach(({ own }, k) =>
      own?.forEach((v, i) => {
        // Where a (v - b) + λ (v - w) = 0.
        const a = CURVATURES[k]![i]!, b = OPTIMA[k]![i]!;
        const expected = (a * b + lambda * global[i]!) / (a + lambda);
        assertAlmostEquals(v, near ? b : expected, 1e-3);
      })
    );
  }
  const [learner] = clients();
  assert(learner);
  const global = await federate(new Ditto({ lambda: 0 }), [learner], 400);
  learner.load(global.map(() => 7), { name: "ditto", lambda: 0 });
  assert((await learner.evaluate()).loss < 1e-6, "it is evaluated by its own");
});

Deno.test("FedPer keeps the named tensors on the clients and never sends them", async () => {
  const learners = clients();
  const global = await federate(new FedPer({ local: ["head/"] }), learners, 300);
  assertEquals(global[0], 0);
  assert(Math.abs(global[1]!) > 0.1);
  learners.forEach(({ own }, k) => assertAlmostEquals(own?.[0] ?? NaN, OPTIMA[k]![0]!, 1e-3));
  const [learner] = learners;
  learner?.load(global, { name: "fedper", local: ["head/"] });
  assertAlmostEquals(learner?.update[0] ?? NaN, 1, 1e-3);
  assertThrows(
    () => learner?.load(global, { name: "fedper", local: ["tail/"] }),
    RangeError,
    'expected the beginning of one of head/w, body/w, got "tail/"',
  );
});

Deno.test("QFedAvg's clients report their loss of the global parameters", async () => {
  const strategy = new QFedAvg({ q: 1, learningRate: 0.05 });
  const plan = { ...PLAN, ...strategy.clientSettings };
  const [learner] = clients();
  assert(learner);
  learner.load(new Float32Array(3), plan.rule);
  const { metrics } = await learner.train({ ...plan, round: 1, rank: 1, seed: 0 });
  assertAlmostEquals(metrics.initialLoss ?? NaN, 1, 1e-6);
  assert(distance(await federate(strategy, clients(), 50)) < 1);
});

Deno.test("Scaffold and FedDyn refuse a round without knowledge of it, and a state of another kind", () => {
  for (const strategy of [new Scaffold(), new FedDyn()]) {
    assertThrows(() => strategy.begin(new Float32Array(1)), TypeError, "what is known of it");
    assertThrows(
      () => strategy.restore({ vectors: { x: new Float32Array(1) } }),
      TypeError,
      "expected a vector",
    );
    strategy.restore({ vectors: { control: new Float32Array(2), h: new Float32Array(2) } });
    assertThrows(() => strategy.begin(new Float32Array(1), INFO), RangeError, "got 2");
  }
  const update = updateOf(1, new Float32Array(1));
  assertThrows(
    () => new Scaffold().check({ ...update, steps: 0 }),
    RangeError,
    "expected a whole number of steps from 1, got 0",
  );
  assertEquals([...roundOf(new Scaffold(), new Float32Array(1), [update])], [0]);
});

Deno.test("FedProx of Scaffold sends its control variate; two rules do not go together", async () => {
  const strategy = new FedProx({ mu: 0.01, mean: new Scaffold() });
  await federate(strategy, clients(), 2);
  assert(strategy.control?.some((value) => value !== 0));
  assertThrows(
    () => new Ditto({ mean: new Scaffold() }),
    RangeError,
    "cannot follow the rules ditto and scaffold at once",
  );
  assertThrows(() => new FedPer({ local: ["w"], mean: new FedSGD() }), RangeError, "gradient");
  const [learner] = clients();
  learner?.load(new Float32Array(3), { name: "ditto", lambda: 1 });
  const plan = { ...PLAN, keepMomentum: true, momentum: 0.5, round: 1, rank: 1, seed: 0 };
  await assertRejects(
    async () => await learner?.train(plan),
    RangeError,
    "cannot keep one momentum",
  );
});

Deno.test("parseStrategy() makes the algorithms with a client rule", () => {
  assertEquals(parseStrategy("fedprox:mu=0.5").clientSettings, { proximal: 0.5 });
  assertEquals(parseStrategy("feddyn:alpha=0.5").name, "feddyn");
  assertEquals(parseStrategy("fedper:local=head/+body/").clientSettings, {
    rule: { name: "fedper", local: ["head/", "body/"] },
  });
  assertEquals(parseStrategy("fedper:local=0").clientSettings, {
    rule: { name: "fedper", local: ["0"] },
  });
  assertThrows(() => parseStrategy("fedper"), RangeError, "Cannot make fedper");
  assertThrows(
    () => strategyOf("fedper", { local: 0 }),
    RangeError,
    "expected local to be a text, got 0",
  );
  assertThrows(
    () => parseStrategy("scaffold:lr=fast"),
    RangeError,
    "expected learningRate to be a number",
  );
  for (const wrong of [{ mu: -1 }, { mu: NaN }]) {
    assertThrows(() => new FedProx(wrong), RangeError, "Cannot make fedprox");
  }
  assertThrows(() => new FedDyn({ alpha: 0 }), RangeError, "alpha");
  assertThrows(() => new Ditto({ lambda: -1 }), RangeError, "lambda");
});

Deno.test("FedNova gives the same mean with clients that train a model of their own by Ditto", async () => {
  // Ditto pulls only the client's own model, so the update has the length that FedNova assumes.
  class Longer extends Quadratic {
    override train(plan: TrainPlan): Promise<TrainResult> {
      return super.train({ ...plan, epochs: 3 * plan.epochs });
    }
  }
  const learners = () => [
    ...clients().slice(0, 2),
    new LocalLearner(new Longer(CURVATURES[2]!, OPTIMA[2]!)),
  ];
  const alone = await federate(new FedNova(), learners(), 3);
  const pulled = await federate(new Ditto({ lambda: 2, mean: new FedNova() }), learners(), 3);
  assertEquals(pulled, alone);
  assert(alone.some((w, i) => Math.abs(w - OPTIMUM[i]!) > 1e-4));
});

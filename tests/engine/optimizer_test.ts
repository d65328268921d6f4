import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertRejects,
} from "jsr:@std/assert@1.0.19";
import { Dataset } from "../../src/data/dataset.ts";
import { Random } from "../../src/base/random.ts";
import type { TrainPlan } from "../../src/plan/train_plan.ts";
import type { ModelDescription } from "../../src/train/handler.ts";
import { logisticRegression, mlp } from "../../src/train/models/models.ts";
import { initialVector } from "../../src/engine/initializers.ts";
import { readGraph } from "../../src/engine/graph/read_graph.ts";
import { NativeTrainer } from "../../src/engine/trainer.ts";
import { ClientSGDHandler } from "../../mod.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { planOf } from "../../src/testing/handler/plan.ts";
import { referenceLoss } from "../helpers/reference_network.ts";

Deno.test.sanitizer({ ops: true, resources: true });

function randomData(count: number, length = 4, numClasses = 3): Dataset {
  const random = new Random(5, "test");
  const features = Float32Array.from({ length: count * length }, () => random.normal());
  const labels = Int32Array.from({ length: count }, () => random.uint32() % numClasses);
  return new Dataset(features, labels, [length], numClasses);
}

const ENGINES = [
  { engine: "native" },
  { engine: "tfjs", backend: "wasm" },
  { engine: "tfjs", backend: "cpu" },
] as const;

async function handlerOf(
  description: ModelDescription,
  data: Dataset,
  options: typeof ENGINES[number],
): Promise<ClientSGDHandler> {
  const handler = new ClientSGDHandler({ data, ...options });
  await handler.setUp(description);
  handler.parameters = initialVector(readGraph(description), 1);
  return handler;
}

const LR = logisticRegression({ inputShape: [4], numClasses: 3 });
const SMALL = mlp({ inputShape: [4], numClasses: 3, hiddenUnits: 5 });

/** The gradient of the mean loss in float64, by central differences. */
function gradientAt(
  description: ModelDescription,
  data: Dataset,
): (vector: Float64Array) => Float64Array {
  const graph = readGraph(description), { rowLength, features, labels } = data;
  const samples = Array.from({ length: data.length }, (_, i) => ({
    x: Float64Array.from(features.subarray(i * rowLength, (i + 1) * rowLength)),
    label: labels[i] ?? 0,
  }));
  const h = 1e-5;
  return (vector) =>
    vector.map((value, i) => {
      const [up = NaN, down = NaN] = [value + h, value - h].map((moved) => {
        vector[i] = moved;
        return referenceLoss(graph, vector, samples, new Random(1, "dropout"));
      });
      vector[i] = value;
      return (up - down) / (2 * h);
    });
}

/**
 * Rounds of full batches in float64, by the formulas of the papers; each round begins where the one
 * before ended.
 */
function reference(
  start: Float32Array,
  plans: readonly TrainPlan[],
  gradient: (vector: Float64Array) => Float64Array,
): Float64Array {
  const w = Float64Array.from(start);
  let v = new Float64Array(w.length), s = new Float64Array(w.length), t = 0;
  for (const plan of plans) {
    const { learningRate, momentum, weightDecay, proximal = 0, correction } = plan;
    const w0 = w.slice();
    if (!plan.keepMomentum) [v, s, t] = [v.map(() => 0), s.map(() => 0), 0];
    for (let epoch = 0; epoch < plan.epochs; epoch++) {
      const g = gradient(w);
      const isApart = plan.optimizer === "adamw";
      if (isApart) w.forEach((value, i) => w[i] = value * (1 - learningRate * weightDecay));
      g.forEach((value, i) =>
        g[i] = value + (isApart ? 0 : weightDecay) * w[i]! + proximal * (w[i]! - w0[i]!) +
          (correction?.[i] ?? 0)
      );
      t++;
      g.forEach((d, i) => {
        if (plan.optimizer === "adam" || plan.optimizer === "adamw") {
          v[i] = 0.9 * v[i]! + 0.1 * d;
          s[i] = 0.999 * s[i]! + 0.001 * d ** 2;
          const [m, second] = [v[i]! / (1 - 0.9 ** t), s[i]! / (1 - 0.999 ** t)];
          w[i] = w[i]! - learningRate * m / (Math.sqrt(second) + 1e-8);
          return;
        }
        v[i] = momentum * v[i]! + d;
        w[i] = w[i]! - learningRate * (plan.nesterov ? d + momentum * v[i]! : v[i]!);
      });
    }
  }
  return w;
}

const CORRECTION = Float32Array.from({ length: 15 }, (_, i) => Math.sin(i) / 5);
const RULES: Readonly<Record<string, Partial<TrainPlan>>> = {
  adam: { optimizer: "adam" },
  "adam with every term": {
    optimizer: "adam",
    weightDecay: 0.1,
    proximal: 0.2,
    correction: CORRECTION,
  },
  "adamw with every term": {
    optimizer: "adamw",
    weightDecay: 0.1,
    proximal: 0.2,
    correction: CORRECTION,
  },
  nesterov: { momentum: 0.9, nesterov: true },
  "nesterov with every term": {
    momentum: 0.5,
    nesterov: true,
    weightDecay: 0.1,
    proximal: 0.2,
    correction: CORRECTION,
  },
  "a proximal term": { proximal: 0.5 },
  "momentum with a proximal term": { momentum: 0.9, proximal: 0.5 },
  "a correction": { correction: CORRECTION },
  "momentum and decay with a correction": {
    momentum: 0.9,
    weightDecay: 0.1,
    correction: CORRECTION,
  },
};

for (const options of ENGINES) {
  const place = Object.values(options).join(" on ");
  for (const [name, changes] of Object.entries(RULES)) {
    Deno.test(`ClientSGDHandler.train() with ${name} follows the formula on ${place} in two rounds`, async () => {
      const data = randomData(20);
      for (const keepMomentum of [false, true]) {
        await using handler = await handlerOf(LR, data, options);
        const start = handler.parameters.slice();
        const plans = [1, 2].map((round) =>
          planOf({ round, epochs: 3, batchSize: 0, keepMomentum, ...changes })
        );
        for (const plan of plans) await handler.train(plan);
        const expected = reference(start, plans, gradientAt(LR, data));
        handler.parameters.forEach((x, i) => assertAlmostEquals(x, expected[i] ?? NaN, 3e-6));
      }
    });
  }

  Deno.test(`ClientSGDHandler.gradient() is that of central differences on ${place}, over several batches`, async () => {
    const data = randomData(600);
    await using handler = await handlerOf(SMALL, data, options);
    const before = handler.parameters.slice();
    const { gradient, loss } = await handler.gradient(planOf());
    const expected = gradientAt(SMALL, data)(Float64Array.from(before));
    gradient.forEach((g, i) => assertAlmostEquals(g, expected[i] ?? NaN, 1e-6));
    assertAlmostEquals(loss, (await handler.evaluate()).loss, 1e-6);

    const kept = gradient.slice();
    const plan = planOf({ batchSize: 0, learningRate: 0.5, round: 3 });
    await handler.train(plan);
    handler.parameters.forEach((x, i) =>
      assertAlmostEquals(x, (before[i] ?? 0) - 0.5 * (kept[i] ?? 0), 1e-6)
    );
  });

  Deno.test(`ClientSGDHandler resets Adam's moments on ${place} after another optimizer`, async () => {
    const data = randomData(20), adam = { optimizer: "adam", keepMomentum: true } as const;
    await using handler = await handlerOf(LR, data, options);
    const start = handler.parameters.slice();
    await handler.train(planOf(adam));
    const expected = handler.parameters.slice();
    await handler.train(planOf({ momentum: 0.9, keepMomentum: true }));
    handler.parameters = start;
    await handler.train(planOf(adam));
    assertEquals(handler.parameters, expected);
  });

  Deno.test(`ClientSGDHandler does not change a frozen layer on ${place}, and gives it no gradient`, async () => {
    const layers = [
      { units: 5, trainable: false, batch_input_shape: [null, 4], activation: "relu" },
      { units: 3 },
    ];
    const frozen: ModelDescription = {
      format: "tfjs-layers",
      topology: {
        class_name: "Sequential",
        config: {
          name: "model",
          layers: layers.map((config, i) => ({
            class_name: "Dense",
            config: { name: `layer${i}`, ...config },
          })),
        },
      },
      loss: "softmaxCrossEntropy",
    };
    await using handler = await handlerOf(frozen, randomData(20), options);
    const before = handler.manifest.views(handler.parameters.slice());
    const gradients = handler.manifest.views((await handler.gradient(planOf())).gradient.slice());
    const changed: Partial<TrainPlan>[] = [{}, { optimizer: "adam", proximal: 1 }];
    for (const changes of changed) {
      await handler.train(planOf(changes));
      handler.manifest.views(handler.parameters).forEach((after, i) => {
        const { trainable } = handler.manifest.tensors[i]!;
        if (trainable) assertNotEquals(after, before[i]);
        else assertEquals(after, before[i]);
        assertEquals(gradients[i]?.some((g) => g !== 0), trainable);
      });
    }
  });
}

const LARGE: Readonly<Record<string, Partial<TrainPlan>>> = {
  adam: { optimizer: "adam", learningRate: 0.001 },
  "adam with weight decay": { optimizer: "adam", learningRate: 0.001, weightDecay: 0.01 },
  "adamw with weight decay": { optimizer: "adamw", learningRate: 0.001, weightDecay: 0.5 },
  nesterov: { momentum: 0.9, nesterov: true },
  "a proximal term": { proximal: 0.5 },
  "a correction": {},
};

for (const [name, changes] of Object.entries(LARGE)) {
  Deno.test(`ClientSGDHandler learns the same on both engines in 100 steps with ${name}`, async () => {
    // Few units: of many, one would come so near its bend that the engines round it to either side.
    const description = mlp({ inputShape: [64], numClasses: 10, hiddenUnits: 32 });
    const data = randomData(1000, 64, 10);
    const results: Float32Array[] = [];
    let start = new Float32Array();
    for (const engine of [{ engine: "native" }, { engine: "tfjs", backend: "wasm" }] as const) {
      await using handler = await handlerOf(description, data, engine);
      start = handler.parameters.slice();
      const correction = start.map((_, i) => Math.sin(i) / 100);
      const { steps } = await handler.train(
        planOf({
          learningRate: 0.01,
          ...changes,
          ...name === "a correction" && { correction },
        }),
      );
      assertEquals(steps, 100);
      results.push(handler.parameters.slice());
    }
    const [one = start, other = start] = results;
    const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
    const difference = norm(one.map((x, i) => x - (other[i] ?? NaN))) / norm(one);
    assert(difference <= 1e-4, `${difference}`);
    assert(norm(one.map((x, i) => x - (start[i] ?? NaN))) / norm(start) > 0.01);
  });
}

Deno.test("ClientSGDHandler steps on a large batch in parts on the native engine as on the whole on tfjs", async () => {
  const data = randomData(700);
  const plan = planOf({ batchSize: 600, momentum: 0.9, learningRate: 0.5 });
  const results: Float32Array[] = [];
  for (const options of ENGINES.slice(0, 2)) {
    await using handler = await handlerOf(SMALL, data, options);
    const { loss } = await handler.train(plan);
    results.push(Float32Array.of(...handler.parameters, loss));
  }
  results[0]?.forEach((x, i) => assertAlmostEquals(x, results[1]?.[i] ?? NaN, 1e-6));
});

Deno.test("NativeTrainer needs more memory only for the vectors of a plan, not for a large batch", () => {
  const graph = readGraph(SMALL), data = randomData(5000);
  using trainer = NativeTrainer.create(graph, data.length);
  trainer.use(data);
  trainer.parameters = initialVector(graph, 1);
  const values = trainer.parameters.slice(), { buffer } = trainer.parameters;
  trainer.begin(planOf({ momentum: 0.9, weightDecay: 0.1 }), 5000);
  trainer.begin(planOf({ proximal: 0 }), 10);
  assert(trainer.parameters.buffer === buffer);
  trainer.begin(planOf({ optimizer: "adam", proximal: 1 }), 10);
  const wider = trainer.parameters.buffer;
  assert(wider !== buffer);
  assertEquals(trainer.parameters, values);
  for (const changes of [{ proximal: 1 }, {}, { optimizer: "adam" }] as const) {
    trainer.begin(planOf(changes), 10);
    assert(trainer.parameters.buffer === wider);
  }
});

Deno.test("NativeTrainer keeps the moments when its memory grows", () => {
  const graph = readGraph(SMALL), data = randomData(50), start = initialVector(graph, 1);
  const adam = { optimizer: "adam", keepMomentum: true } as const;
  const run = (first: Partial<TrainPlan>) => {
    using trainer = NativeTrainer.create(graph, data.length);
    trainer.use(data);
    trainer.parameters = start;
    for (const plan of [planOf({ ...adam, ...first }), planOf({ ...adam, proximal: 1 })]) {
      trainer.begin(plan, 50);
      trainer.shuffle(Uint32Array.from({ length: 50 }, (_, i) => i));
      for (let i = 0; i < 3; i++) trainer.step(0, 50);
    }
    return trainer.parameters.slice();
  };
  // In the one the start has its place from the first round, where it pulls to nothing noticeable.
  const late = run({}), early = run({ proximal: 1e-30 });
  assertEquals(late, early);
});

Deno.test("ClientBackendHandler.gradient() rejects by default", async () => {
  const handler = new FakeHandler(vectorManifest(1));
  await assertRejects(() => handler.gradient(planOf()), Error, "Cannot give a gradient");
});

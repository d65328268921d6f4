import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import { Dataset } from "../../src/data/dataset.ts";
import { digits } from "../../src/data/digits.ts";
import { Random } from "../../src/base/random.ts";
import type { TrainPlan } from "../../src/plan/train_plan.ts";
import type { LossName, ModelDescription } from "../../src/train/handler.ts";
import { logisticRegression, mlp } from "../../src/train/models/models.ts";
import { seedInitializers } from "../../src/train/models/seed_initializers.ts";
import { tf } from "../../src/tfjs/deps.ts";
import {
  ClientSGDHandler,
  type ClientSGDHandlerOptions,
  initialParameters,
  modelEvaluator,
} from "../../mod.ts";
import { startBackend } from "../../src/tfjs/mod.ts";
import { planOf } from "../../src/testing/handler/plan.ts";
import { testHandler } from "../../src/testing/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Returns `count` points of three classes around three corners. */
function corners(count: number, shape: readonly number[] = [4]): Dataset {
  const random = new Random(3, "test");
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  const features = new Float32Array(count * 4);
  labels.forEach((label, row) => {
    for (let i = 0; i < 4; i++) {
      features[row * 4 + i] = (i === label ? 1 : 0) + 0.3 * random.normal();
    }
  });
  return new Dataset(features, labels, shape, 3);
}

const LAYERS_OF_ALL_KINDS = [
  { class_name: "Dense", config: { name: "wide", units: 8, batch_input_shape: [null, 4] } },
  { class_name: "BatchNormalization", config: { name: "norm" } },
  { class_name: "Activation", config: { name: "bend", activation: "relu" } },
  { class_name: "Dropout", config: { name: "drop", rate: 0.5 } },
  { class_name: "Dense", config: { name: "logits", units: 3 } },
];

function sequential(
  layers: readonly Record<string, unknown>[],
  loss: LossName = "softmaxCrossEntropy",
): ModelDescription {
  const topology = { class_name: "Sequential", config: { name: "model", layers } };
  return seedInitializers({ format: "tfjs-layers", topology, loss }, 1);
}

async function handlerOf(
  description: ModelDescription,
  options: Partial<ClientSGDHandlerOptions> = {},
): Promise<ClientSGDHandler> {
  const handler = new ClientSGDHandler({
    data: corners(52),
    engine: "tfjs",
    backend: "wasm",
    ...options,
  });
  await handler.setUp(description);
  return handler;
}

const TFJS = { engine: "tfjs", backend: "wasm" } as const;
const CORNERS_MLP = mlp({ inputShape: [4], numClasses: 3, hiddenUnits: 8 });

testHandler(
  "ClientSGDHandler on wasm",
  () => handlerOf(seedInitializers(CORNERS_MLP, 1)),
);
testHandler(
  "ClientSGDHandler on cpu",
  () => handlerOf(seedInitializers(CORNERS_MLP, 1), { backend: "cpu" }),
);
testHandler(
  "ClientSGDHandler with BatchNorm and Dropout",
  () => handlerOf(sequential(LAYERS_OF_ALL_KINDS)),
);

/**
 * Logistic regression by hand, in float64: `steps` of full-batch SGD from `start`, kernel row by
 * row and then bias.
 */
function referenceSgd(
  data: Dataset,
  start: Float32Array,
  steps: number,
  plan: TrainPlan,
): Float64Array {
  const { rowLength, numClasses } = data;
  const w = Float64Array.from(start), v = new Float64Array(w.length);
  const bias = rowLength * numClasses;
  for (let step = 0; step < steps; step++) {
    const g = new Float64Array(w.length);
    for (let row = 0; row < data.length; row++) {
      const x = data.features.subarray(row * rowLength, (row + 1) * rowLength);
      const logits = Array.from(
        { length: numClasses },
        (_, k) =>
          x.reduce((sum, xi, i) => sum + xi * (w[i * numClasses + k] ?? 0), w[bias + k] ?? 0),
      );
      const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
      logits.forEach((z, k) => {
        const d = (Math.exp(z) / total - (data.labels[row] === k ? 1 : 0)) / data.length;
        x.forEach((xi, i) => g[i * numClasses + k] = (g[i * numClasses + k] ?? 0) + d * xi);
        g[bias + k] = (g[bias + k] ?? 0) + d;
      });
    }
    for (let i = 0; i < w.length; i++) {
      const wi = w[i] ?? 0;
      v[i] = plan.momentum * (v[i] ?? 0) + (g[i] ?? 0) + plan.weightDecay * wi;
      w[i] = wi - plan.learningRate * (v[i] ?? 0);
    }
  }
  return w;
}

for (const backend of ["wasm", "cpu"] as const) {
  Deno.test(`ClientSGDHandler.train() on ${backend} follows SGD with momentum and weight decay worked by hand`, async () => {
    const data = corners(30);
    const lr = seedInitializers(logisticRegression({ inputShape: [4], numClasses: 3 }), 5);
    await using handler = await handlerOf(lr, { data, backend });
    const start = handler.parameters.slice();
    for (const changes of [{}, { momentum: 0.9, weightDecay: 0.1 }]) {
      const plan = planOf({ epochs: 3, batchSize: 0, learningRate: 0.5, ...changes });
      handler.parameters = start;
      await handler.train(plan);
      const expected = referenceSgd(data, start, 3, plan);
      handler.parameters.forEach((value, i) => assertAlmostEquals(value, expected[i] ?? NaN, 2e-6));
    }
  });
}

Deno.test("ClientSGDHandler.train() takes a smaller last batch at its own size", async () => {
  // Two batches of one epoch, in the order that the seed gives: 20 rows and then 10.
  const data = corners(30);
  const lr = seedInitializers(logisticRegression({ inputShape: [4], numClasses: 3 }), 5);
  await using handler = await handlerOf(lr, { data });
  const plan = planOf({ batchSize: 20, seed: 9, round: 4, rank: 2 });
  const order = new Random(9, "batch-order", { round: 4, rank: 2 }).permutation(30);
  const first = referenceSgd(data.select(order.subarray(0, 20)), handler.parameters, 1, plan);
  const expected = referenceSgd(data.select(order.subarray(20)), Float32Array.from(first), 1, plan);
  await handler.train(plan);
  handler.parameters.forEach((value, i) => assertAlmostEquals(value, expected[i] ?? NaN, 1e-6));
});

Deno.test("ClientSGDHandler.train() teaches a perceptron the digits", async () => {
  const all = await digits();
  const order = new Random(1, "split").permutation(all.length);
  const data = all.select(order.subarray(360)), testData = all.select(order.subarray(0, 360));
  const description = seedInitializers(mlp({ inputShape: [8, 8, 1], numClasses: 10 }), 1);
  await using handler = await handlerOf(description, { data, testData });
  const result = await handler.train(planOf({ epochs: 8, learningRate: 0.1, momentum: 0.5 }));
  const { accuracy = 0, numSamples } = await handler.evaluate();
  assertEquals(numSamples, 360);
  assert(accuracy >= 0.95, `accuracy is ${accuracy}`);
  assert((result.metrics.accuracy ?? 0) > 0.97);
});

Deno.test("ClientSGDHandler.train() does the same on wasm and cpu, up to rounding", async () => {
  const outcome = async (backend: "wasm" | "cpu"): Promise<Float32Array> => {
    await using handler = await handlerOf(sequential(LAYERS_OF_ALL_KINDS), { backend });
    await handler.train(planOf({ momentum: 0.5 }));
    return handler.parameters.slice();
  };
  const wasm = await outcome("wasm"), cpu = await outcome("cpu");
  wasm.forEach((value, i) => assertAlmostEquals(value, cpu[i] ?? NaN, 1e-4));
});

Deno.test("ClientSGDHandler has BatchNorm's moving statistics in its parameters and updates them", async () => {
  await using handler = await handlerOf(sequential(LAYERS_OF_ALL_KINDS));
  const { tensors } = handler.manifest;
  assertEquals(tensors.map(({ name, trainable }) => `${name} ${trainable}`), [
    "wide/kernel true",
    "wide/bias true",
    "norm/gamma true",
    "norm/beta true",
    "logits/kernel true",
    "logits/bias true",
    "norm/moving_mean false",
    "norm/moving_variance false",
  ]);
  const before = handler.manifest.views(handler.parameters.slice());
  await handler.train(planOf());
  handler.manifest.views(handler.parameters).forEach((after, i) => {
    assertNotEquals(after, before[i], tensors[i]?.name);
  });
});

Deno.test("ClientSGDHandler draws another dropout mask in each step", async () => {
  // One sample many times, each feature kept or dropped: equal masks would keep it always or
  // never.
  const data = new Dataset(new Float32Array(40).fill(1), new Int32Array(10).fill(0), [4], 3);
  const drop = { class_name: "Dropout", config: { rate: 0.5, batch_input_shape: [null, 4] } };
  const logits = { class_name: "Dense", config: { units: 3, kernel_initializer: "zeros" } };
  await using handler = await handlerOf(sequential([drop, logits]), { data });
  const gradients = new Set<string>();
  for (let round = 1; round <= 5; round++) {
    handler.parameters = new Float32Array(handler.manifest.length);
    await handler.train(planOf({ round, batchSize: 0 }));
    gradients.add(handler.parameters.join());
  }
  assert(gradients.size > 1);
  handler.parameters = new Float32Array(handler.manifest.length);
  await handler.train(planOf({ batchSize: 1, learningRate: 1e-3 }));
  // So small a step leaves the gradient as it is: a kept feature of 2 times 2/3 more for the right
  // class.
  const timesKept = [0, 3, 6, 9].map((i) =>
    Math.round((handler.parameters[i] ?? NaN) / 1e-3 * 3 / 4)
  );
  assert(timesKept.some((times) => times > 0 && times < 10), `${timesKept}`);
});

Deno.test("ClientSGDHandler holds no more tensors after ten rounds than after one", async () => {
  await startBackend("wasm");
  const none = tf.memory().numTensors;
  {
    await using handler = await handlerOf(sequential(LAYERS_OF_ALL_KINDS));
    const start = handler.parameters.slice();
    const counts = new Set<number>();
    for (let round = 1; round <= 10; round++) {
      handler.parameters = start;
      await handler.train(planOf({ round, momentum: 0.9 }));
      await handler.evaluate();
      assertThrows(() => handler.parameters = start.map(() => NaN), RangeError);
      await assertRejects(() => handler.train(planOf({ learningRate: 1e38, epochs: 2 })));
      counts.add(tf.memory().numTensors);
    }
    assertEquals(counts.size, 1);
    await handler.setUp(sequential(LAYERS_OF_ALL_KINDS));
    assertEquals(tf.memory().numTensors, [...counts][0]);
  }
  assertEquals(tf.memory().numTensors, none);
});

Deno.test("ClientSGDHandler does not change memory that its parameters share", async () => {
  await startBackend("wasm");
  const build = (): tf.Sequential =>
    tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4] })] });
  const model = build(), twin = build();
  twin.setWeights(model.getWeights());
  const before = twin.getWeights().map((weight) => weight.dataSync().slice());
  {
    await using handler = new ClientSGDHandler({ data: corners(52), model, backend: "wasm" });
    await handler.setUp(undefined);
    await handler.train(planOf());
    handler.parameters = handler.parameters.map((x) => x + 1);
    assertEquals(twin.getWeights().map((weight) => weight.dataSync()), before);
  }
  model.dispose();
  twin.dispose();
});

Deno.test("ClientSGDHandler prefers its own model to the server's, and returns it", async () => {
  await startBackend("wasm");
  const models = [1, 2].map(() =>
    tf.sequential({
      layers: [tf.layers.dense({ units: 5, inputShape: [4] }), tf.layers.dense({ units: 3 })],
    })
  );
  const manifests: string[] = [];
  for (const model of models) {
    const handler = new ClientSGDHandler({ data: corners(52), model, backend: "wasm" });
    await handler.setUp(CORNERS_MLP);
    assertEquals(handler.manifest.length, 5 * 4 + 5 + 3 * 5 + 3);
    manifests.push(await handler.manifest.digest());
    const before = model.getWeights()[0]?.dataSync().slice();
    await handler.train(planOf());
    await handler[Symbol.asyncDispose]();
    assertNotEquals(model.getWeights()[0]?.dataSync(), before);
    model.dispose();
  }
  assertEquals(manifests[0], manifests[1]);
});

Deno.test("ClientSGDHandler sees weights that were changed through its own model", async () => {
  await startBackend("wasm");
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4] })] });
  await using handler = new ClientSGDHandler({ data: corners(52), model, backend: "wasm" });
  await handler.setUp(undefined);
  assertEquals(handler.parameters[14], 0);
  const values = [tf.fill([4, 3], 2), tf.fill([3], 7)];
  model.setWeights(values);
  assertEquals(handler.parameters[14], 7);
  tf.dispose(values);
  model.dispose();
});

Deno.test("ClientSGDHandler adds the penalty of a layer's regularizer to the gradient", async () => {
  const layer = (regularizer: unknown) => ({
    class_name: "Dense",
    config: { units: 3, batch_input_shape: [null, 4], kernel_regularizer: regularizer },
  });
  const trained = async (regularizer: unknown, weightDecay: number): Promise<Float32Array> => {
    await using handler = await handlerOf(sequential([layer(regularizer)]));
    await handler.train(planOf({ batchSize: 0, weightDecay }));
    return handler.parameters.slice(0, 12);
  };
  // The gradient of 0.05 * w^2 is 0.1 * w.
  const expected = await trained(null, 0.1);
  const actual = await trained({ class_name: "L1L2", config: { l1: 0, l2: 0.05 } }, 0);
  actual.forEach((value, i) => assertAlmostEquals(value, expected[i] ?? NaN, 1e-6));
  assertNotEquals(actual, await trained(null, 0));
});

Deno.test("ClientSGDHandler trains by every loss and gives accuracy where there is one", async () => {
  const pairs = corners(51);
  const binary = new Dataset(pairs.features, pairs.labels.map((x) => x === 2 ? 1 : 0), [4], 2);
  const dense = (
    units: number,
    activation: string,
  ) => [{ class_name: "Dense", config: { units, activation, batch_input_shape: [null, 4] } }];
  const cases: [LossName, Dataset, number, string][] = [
    ["softmaxCrossEntropy", pairs, 3, "linear"],
    ["categoricalCrossentropy", pairs, 3, "softmax"],
    ["binaryCrossentropy", binary, 1, "sigmoid"],
    ["meanSquaredError", pairs, 1, "linear"],
  ];
  const outcomes = new Map<string, Float32Array>();
  for (const [loss, data, units, activation] of cases) {
    await using handler = await handlerOf(sequential(dense(units, activation), loss), { data });
    const before = await handler.evaluate();
    const result = await handler.train(planOf({ epochs: 5, learningRate: 0.1 }));
    const after = await handler.evaluate();
    assert(after.loss < before.loss, loss);
    assertEquals("accuracy" in after, loss !== "meanSquaredError");
    assertEquals("accuracy" in result.metrics, loss !== "meanSquaredError");
    outcomes.set(loss, handler.parameters.slice());
  }
  // The softmax in the loss or in the model: the same mathematics.
  const logits = outcomes.get("softmaxCrossEntropy") ?? new Float32Array();
  const probabilities = outcomes.get("categoricalCrossentropy") ?? new Float32Array();
  logits.forEach((value, i) => assertAlmostEquals(value, probabilities[i] ?? NaN, 1e-5));
});

Deno.test("ClientSGDHandler.evaluate() gives the loss that a model of zeros must have", async () => {
  // 17 samples of each class; zeros make every class as likely as the others.
  const data = corners(51);
  const binary = new Dataset(data.features, data.labels.map((x) => x === 2 ? 1 : 0), [4], 2);
  const cases: [LossName, Dataset, number, string, number, number | undefined][] = [
    ["softmaxCrossEntropy", data, 3, "linear", Math.log(3), 1 / 3],
    ["categoricalCrossentropy", data, 3, "softmax", Math.log(3), 1 / 3],
    ["binaryCrossentropy", binary, 1, "sigmoid", Math.log(2), 2 / 3],
    ["meanSquaredError", data, 1, "linear", (0 + 1 + 4) / 3, undefined],
  ];
  for (const [name, rows, units, activation, loss, accuracy] of cases) {
    const layer = {
      class_name: "Dense",
      config: { units, activation, batch_input_shape: [null, 4] },
    };
    await using handler = await handlerOf(sequential([layer], name), { data: rows });
    handler.parameters = new Float32Array(handler.manifest.length);
    const result = await handler.evaluate();
    assertAlmostEquals(result.loss, loss, 1e-6, name);
    assertEquals(result.accuracy, accuracy, name);
    const trained = await handler.train(planOf({ batchSize: 0 }));
    assertAlmostEquals(trained.loss, loss, 1e-6, name);
    assertEquals(trained.metrics, accuracy === undefined ? {} : { accuracy });
  }
});

Deno.test("ClientSGDHandler.evaluate() keeps large logits from overflowing", async () => {
  const data = corners(51);
  await using handler = await handlerOf(logisticRegression({ inputShape: [4], numClasses: 3 }), {
    data,
  });
  const parameters = new Float32Array(15);
  parameters[12] = 3000;
  handler.parameters = parameters;
  assertEquals((await handler.evaluate()).loss, 2000);
});

Deno.test("ClientSGDHandler refuses data and models that do not fit, and names both", async () => {
  const lr = logisticRegression({ inputShape: [8, 8, 1], numClasses: 3 });
  await assertRejects(() => handlerOf(lr), RangeError, "[8, 8, 1], the data has [4]");
  const two = logisticRegression({ inputShape: [4], numClasses: 2 });
  await assertRejects(() => handlerOf(two), RangeError, "[3] or more, the model gives [2]");
  const yesNo: ModelDescription = { ...two, loss: "binaryCrossentropy" };
  await assertRejects(() => handlerOf(yesNo), RangeError, "expected 2 classes, got 3");
  const empty = new Dataset(new Float32Array(), new Int32Array(), [4], 3);
  assertThrows(() => new ClientSGDHandler({ data: empty }), RangeError, "0 rows");
});

for (const engine of ["native", "tfjs"] as const) {
  Deno.test(`ClientSGDHandler.evaluateOn() on ${engine} refuses data that do not fit the model`, async () => {
    const lr = logisticRegression({ inputShape: [4], numClasses: 3 });
    await using handler = await handlerOf(lr, { engine });
    const one = (size: number, classes: number) =>
      new Dataset(new Float32Array(size), Int32Array.of(0), [size], classes);
    for (const size of [3, 5]) {
      await assertRejects(
        () => handler.evaluateOn(one(size, 3)),
        RangeError,
        `takes samples of shape [4], the data has [${size}]`,
      );
    }
    await assertRejects(() => handler.evaluateOn(one(4, 7)), RangeError, "the model gives [3]");
    assertEquals((await handler.evaluateOn(one(4, 2))).numSamples, 1);
  });
}

Deno.test("ClientSGDHandler refuses an own model that is not of tfjs", async () => {
  const model = { layers: [], getWeights: () => [], countParams: () => 0 };
  await using handler = new ClientSGDHandler({ data: corners(4), model });
  await assertRejects(() => handler.setUp(undefined), TypeError, "expected a layers model of tfjs");
});

Deno.test("ClientSGDHandler trains a model of more classes than its own data have", async () => {
  await using handler = await handlerOf(logisticRegression({ inputShape: [4], numClasses: 10 }));
  assert(Number.isFinite((await handler.train(planOf())).loss));
});

Deno.test("ClientSGDHandler feeds rows of any shape to a model that takes them flat", async () => {
  const flat = logisticRegression({ inputShape: [4], numClasses: 3 });
  await using handler = await handlerOf(flat, { data: corners(52, [2, 2, 1]) });
  assert(Number.isFinite((await handler.train(planOf())).loss));
});

Deno.test("ClientSGDHandler refuses a description that it cannot build in one line", async () => {
  const strange = {
    class_name: "Sequential",
    config: { layers: [{ class_name: "Warp", config: {} }] },
  };
  const topologies: Record<string, unknown>[] = [strange, {}, {
    class_name: "Dense",
    config: { units: 1 },
  }];
  for (const topology of topologies) {
    const error = await assertRejects(
      () => handlerOf({ format: "tfjs-layers", topology, loss: "softmaxCrossEntropy" }),
      TypeError,
      "Cannot build the model",
    );
    assert(!error.message.includes("\n"), error.message);
  }
  await assertRejects(
    () => handlerOf({ ...CORNERS_MLP, format: "onnx" as "tfjs-layers" }),
    TypeError,
    "onnx",
  );
  await assertRejects(
    () => handlerOf({ ...CORNERS_MLP, loss: "hinge" as LossName }),
    RangeError,
    "hinge",
  );
  await using handler = new ClientSGDHandler({ data: corners(4), engine: "tfjs" });
  await assertRejects(() => handler.setUp(undefined), TypeError, "describes none");
  assertThrows(() => handler.parameters, Error, "setUp()");
});

Deno.test("ClientSGDHandler names a remedy when the WASM backend lacks a kernel", async () => {
  const description = sequential([
    {
      class_name: "Conv2D",
      config: { filters: 2, kernel_size: [3, 3], batch_input_shape: [null, 8, 8, 1] },
    },
    { class_name: "Flatten", config: {} },
    { class_name: "Dense", config: { units: 10 } },
  ]);
  const data = (await digits()).select([0, 1, 2, 3]);
  await startBackend("wasm");
  const kernel = tf.getKernel("Conv2DBackpropFilter", "wasm");
  tf.unregisterKernel("Conv2DBackpropFilter", "wasm");
  try {
    await using handler = await handlerOf(description, { data });
    const tensors = tf.memory().numTensors;
    await assertRejects(
      () => handler.train(planOf()),
      Error,
      'lacks the kernel Conv2DBackpropFilter for the gradient of a convolution; use backend: "cpu"',
    );
    assertEquals(tf.memory().numTensors, tensors);
  } finally {
    tf.registerKernel(kernel);
  }
  await using handler = await handlerOf(description, { data, backend: "cpu" });
  assert(Number.isFinite((await handler.train(planOf())).loss));
});

Deno.test("ClientSGDHandler warns of noise that tfjs draws without a seed", async () => {
  const warnings: string[] = [];
  const noise = {
    class_name: "GaussianNoise",
    config: { name: "fog", stddev: 1, batch_input_shape: [null, 4] },
  };
  const logits = { class_name: "Dense", config: { units: 3 } };
  const logger = { warn: (message: string) => warnings.push(message) };
  await using _handler = await handlerOf(sequential([noise, logits]), { logger });
  assertEquals(warnings.length, 1);
  assert(warnings[0]?.includes("fog"));
});

Deno.test("startBackend() starts what was asked for, and the fast matrix product is right", async () => {
  assertEquals(await startBackend("auto"), "wasm");
  const random = new Random(1, "test");
  const normal = (shape: number[]): tf.Tensor =>
    tf.tensor(
      Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal()),
      shape,
    );
  const before = tf.memory().numTensors;
  for (const [m, k, n] of [[3, 5, 7], [2, 30, 40], [40, 30, 2], [1, 1, 1]] as const) {
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        for (const batch of [[], [1], [2]]) {
          const a = normal([...batch, ...(transposeA ? [k, m] : [m, k])]);
          const b = normal([...batch, ...(transposeB ? [n, k] : [k, n])]);
          const product = tf.matMul(a, b, transposeA, transposeB);
          const actual = product.dataSync();
          const x = a.dataSync(), y = b.dataSync();
          let index = 0;
          for (let page = 0; page < (batch[0] ?? 1); page++) {
            for (let i = 0; i < m; i++) {
              for (let j = 0; j < n; j++) {
                let sum = 0;
                for (let l = 0; l < k; l++) {
                  const xi = x[page * m * k + (transposeA ? l * m + i : i * k + l)] ?? NaN;
                  const yj = y[page * k * n + (transposeB ? j * k + l : l * n + j)] ?? NaN;
                  sum += xi * yj;
                }
                assertAlmostEquals(actual[index++] ?? NaN, sum, 1e-4);
              }
            }
          }
          tf.dispose([a, b, product]);
        }
      }
    }
  }
  assertEquals(tf.memory().numTensors, before);
  assertEquals(await startBackend("cpu"), "cpu");
  await assertRejects(() => startBackend("webgl" as "cpu"), RangeError, "webgl");
});

Deno.test("initialParameters() depends on the seed alone, and modelEvaluator() evaluates them", async () => {
  const before = (await startBackend("wasm"), tf.memory().numTensors);
  const { manifest, parameters } = await initialParameters(CORNERS_MLP, 4, TFJS);
  assertEquals((await initialParameters(CORNERS_MLP, 4, TFJS)).parameters, parameters);
  assertNotEquals((await initialParameters(CORNERS_MLP, 5, TFJS)).parameters, parameters);

  {
    const data = corners(52);
    await using evaluator = await modelEvaluator(CORNERS_MLP, data, TFJS);
    assertEquals(await evaluator.manifest.digest(), await manifest.digest());
    const { evaluate } = evaluator;
    const first = await evaluate(parameters);

    await using handler = await handlerOf(CORNERS_MLP, { data });
    handler.parameters = parameters;
    assertEquals(await handler.evaluateTraining(), first);
    await handler.train(planOf({ epochs: 3 }));
    assert((await evaluate(handler.parameters)).loss < first.loss);
    assertEquals(await evaluate(parameters), first);
    await assertRejects(
      () => evaluate(parameters.subarray(1)),
      RangeError,
      "Cannot load parameters",
    );
  }
  assertEquals(tf.memory().numTensors, before);
});

Deno.test("startBackend() without permission to read goes on with cpu only when it may, and says so", async () => {
  const module = new URL("../../src/tfjs/mod.ts", import.meta.url);
  const script = `
    import { startBackend } from ${JSON.stringify(module.href)};
    const lines = [await startBackend("wasm").catch((error) => error.message)];
    for (let i = 0; i < 2; i++) lines.push(await startBackend("auto", { warn: (line) => lines.push(line) }));
    console.log(JSON.stringify(lines));
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-lock", "--no-prompt", "--no-check", "-"],
    cwd: new URL("../..", import.meta.url),
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  const { stdout } = await child.output();
  const lines: string[] = JSON.parse(new TextDecoder().decode(stdout));
  assert(lines[0]?.includes("--allow-read"), lines[0]);
  assert(lines[1]?.includes("slow cpu backend"), lines[1]);
  assertEquals(lines[2], "cpu");
  assertEquals(lines.at(-1), "cpu");
});

Deno.test("a description cannot have tfjs fetch weights", async () => {
  const description = logisticRegression({ inputShape: [4], numClasses: 3 });
  const { fetch } = globalThis;
  const asked: unknown[] = [];
  globalThis.fetch = (what) => {
    asked.push(what);
    return Promise.reject(new Error("it must not"));
  };
  try {
    const weights = ["kernel", "bias"].map((name, i) => ({
      ...{ name: `logits/${name}`, dtype: "float32" },
      shape: i === 0 ? [4, 3] : [3],
    }));
    await using handler = await handlerOf({
      ...description,
      topology: {
        modelTopology: description.topology,
        weightsManifest: [{ paths: ["http://127.0.0.1:9/weights"], weights }],
      },
    });
    assertEquals(handler.manifest.length, 15);
  } finally {
    globalThis.fetch = fetch;
  }
  assertEquals(asked, []);
});

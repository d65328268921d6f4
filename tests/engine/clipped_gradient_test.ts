import { assert, assertAlmostEquals, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { Dataset } from "../../src/data/dataset.ts";
import { UnsupportedModelError } from "../../src/engine/graph/graph.ts";
import { readGraph } from "../../src/engine/graph/read_graph.ts";
import { initialVector } from "../../src/engine/initializers.ts";
import { NativeTrainer } from "../../src/engine/trainer.ts";
import type { LossName, ModelDescription } from "../../src/train/handler.ts";
import { Random } from "../../src/base/random.ts";
import type { TrainPlan } from "../../src/plan/train_plan.ts";

type Fields = Record<string, unknown>;

const layer = (class_name: string, config: Fields = {}) => ({ class_name, config });

function model(
  shape: readonly number[],
  loss: LossName,
  ...layers: { config: Fields }[]
): ModelDescription {
  const [first, ...rest] = layers;
  const start = { ...first, config: { ...first?.config, batch_input_shape: [null, ...shape] } };
  return {
    format: "tfjs-layers",
    topology: { class_name: "Sequential", config: { name: "model", layers: [start, ...rest] } },
    loss,
  };
}

const dense = (units: number, config: Fields = {}) => layer("Dense", { units, ...config });

const IMAGES = [
  layer("Conv2D", { filters: 5, kernel_size: [3, 3], activation: "relu" }),
  layer("MaxPooling2D", { pool_size: [2, 2], strides: [2, 2] }),
  layer("Conv2D", { filters: 8, kernel_size: [2, 2], padding: "same", use_bias: false }),
  layer("DepthwiseConv2D", { kernel_size: [2, 2], depth_multiplier: 2, activation: "tanh" }),
  layer("Flatten"),
  dense(7, { activation: "relu" }),
  dense(4),
];

/** Functional model; each step is `[name, class, config, ...inputs]`, the last one the output. */
function functional(...steps: [string, string, Fields, ...string[]][]): ModelDescription {
  const layers = steps.map(([name, class_name, config, ...inputs]) => ({
    ...{ name, class_name, config: { name, ...config } },
    inbound_nodes: inputs.length > 0 ? [inputs.map((input) => [input, 0, 0, {}])] : [],
  }));
  const ends = { input_layers: [["in", 0, 0]], output_layers: [["out", 0, 0]] };
  const config = { name: "model", layers, ...ends };
  return {
    format: "tfjs-layers",
    topology: { class_name: "Model", config },
    loss: "softmaxCrossEntropy",
  };
}

const RESIDUAL = functional(
  ["in", "InputLayer", { batch_input_shape: [null, 6, 6, 2], dtype: "float32" }],
  ["first", "Conv2D", { filters: 4, kernel_size: 1 }, "in"],
  ["second", "Conv2D", { filters: 4, kernel_size: [3, 3], padding: "same" }, "first"],
  ["relu", "Activation", { activation: "relu" }, "second"],
  ["sum", "Add", {}, "relu", "first"],
  ["third", "Conv2D", { filters: 4, kernel_size: 1, activation: "relu" }, "sum"],
  ["again", "Add", {}, "third", "sum"],
  ["pool", "GlobalAveragePooling2D", {}, "again"],
  ["out", "Dense", { units: 4 }, "pool"],
);

const MODELS: Readonly<Record<string, readonly [ModelDescription, words?: number]>> = {
  "dense layers": [
    model([6], "softmaxCrossEntropy", dense(9, { activation: "relu" }), dense(4)),
  ],
  "a dense layer without a bias, sigmoid": [
    model(
      [6],
      "softmaxCrossEntropy",
      dense(9, { activation: "sigmoid", use_bias: false }),
      dense(4),
    ),
  ],
  "wide layers": [model([90], "softmaxCrossEntropy", dense(120, { activation: "relu" }), dense(4))],
  "probabilities": [model([6], "categoricalCrossentropy", dense(4, { activation: "softmax" }))],
  "convolutions and pools": [model([9, 9, 2], "softmaxCrossEntropy", ...IMAGES)],
  "sums of several ways": [RESIDUAL],
  "words with a dense layer over each": [
    model(
      [5],
      "softmaxCrossEntropy",
      layer("Embedding", { input_dim: 7, output_dim: 3 }),
      dense(6, { activation: "tanh" }),
      layer("GlobalAveragePooling1D"),
      dense(4),
    ),
    7,
  ],
  "frozen layers": [
    model(
      [6],
      "softmaxCrossEntropy",
      dense(8, { trainable: false, activation: "relu" }),
      dense(5, { activation: "relu" }),
      dense(4),
    ),
  ],
};

const PLAN: TrainPlan = {
  ...{ round: 1, seed: 1, rank: 1, epochs: 1, batchSize: 8, learningRate: 0.5 },
  ...{ momentum: 0, weightDecay: 0, keepMomentum: false },
};

function dataFor(shape: readonly number[], words: number | undefined, rows: number): Dataset {
  const random = new Random(5, "synthetic");
  const length = rows * shape.reduce((a, b) => a * b, 1);
  const features = Float32Array.from({ length }, () => {
    return words === undefined ? 4 * random.uniform() - 2 : Math.floor(random.uniform() * words);
  });
  const labels = Int32Array.from({ length: rows }, (_, i) => i % 4);
  return new Dataset(features, labels, [...shape], 4);
}

function trainerOf(description: ModelDescription, words: number | undefined, rows: number) {
  const graph = readGraph(description);
  const trainer = NativeTrainer.create(graph, rows);
  trainer.parameters = initialVector(graph, 3);
  const data = dataFor(graph.nodes[0]?.shape ?? [], words, rows);
  trainer.use(data);
  return { trainer, data };
}

/** Gradient of each row by a batch of one, and its norm over the trainable values. */
function gradientsOfRows(trainer: NativeTrainer, rows: number) {
  trainer.begin({ ...PLAN, batchSize: 1 }, 1);
  return Array.from({ length: rows }, (_, row) => {
    trainer.shuffle(Uint32Array.from({ length: rows }, (_, i) => (row + i) % rows));
    trainer.differentiate(0, 1);
    const gradient = Float64Array.from(trainer.gradient, (value) => value * rows);
    for (const { offset, length, trainable } of trainer.manifest.tensors) {
      if (!trainable) gradient.fill(0, offset, offset + length);
    }
    return { gradient, norm: Math.sqrt(gradient.reduce((sum, x) => sum + x * x, 0)) };
  });
}

for (const [name, [description, words]] of Object.entries(MODELS)) {
  Deno.test(`sumClipped() clips the gradient of each row as batches of one do, for ${name}`, () => {
    const rows = 11;
    const { trainer } = trainerOf(description, words, rows);
    using _ = trainer;
    const single = gradientsOfRows(trainer, rows);
    const norms = single.map(({ norm }) => norm).sort((a, b) => a - b);
    assert((norms[0] ?? 0) > 0);
    for (const clip of [1e-3, norms[5] ?? 0, 1e3]) {
      trainer.begin(PLAN, 8, { clips: true });
      trainer.shuffle(Uint32Array.from({ length: rows }, (_, i) => i));
      const { loss } = trainer.sumClipped(0, rows, clip);
      assert(Number.isFinite(loss));
      const largest = norms.at(-1) ?? 1;
      for (const { offset, length, trainable } of trainer.manifest.tensors) {
        if (!trainable) continue;
        for (let i = offset; i < offset + length; i++) {
          const want = single.reduce(
            (sum, { gradient, norm }) => sum + (gradient[i] ?? 0) * Math.min(1, clip / norm),
            0,
          );
          const scale = Math.min(clip, largest);
          assertAlmostEquals((trainer.gradient[i] ?? 0) / scale, want / scale, 1e-5, `value ${i}`);
        }
      }
    }
  });
}

Deno.test("sumClipped() bounds what one row adds, and takes the rows in pieces", () => {
  const rows = 600, clip = 0.01;
  const { trainer } = trainerOf(
    model([6], "softmaxCrossEntropy", dense(9, { activation: "relu" }), dense(4)),
    undefined,
    rows,
  );
  using _ = trainer;
  const sumOf = (order: number[]) => {
    trainer.begin(PLAN, 8, { clips: true });
    trainer.shuffle(Uint32Array.from(order));
    trainer.sumClipped(0, order.length, clip);
    return Float64Array.from(trainer.gradient);
  };
  const all = Array.from({ length: rows }, (_, i) => i);
  const whole = sumOf(all);
  for (const row of [0, 255, 256, 599]) {
    const without = sumOf(all.filter((other) => other !== row));
    const difference = Math.hypot(...whole.map((value, i) => value - (without[i] ?? 0)));
    assertAlmostEquals(difference, clip, clip * 1e-3);
  }
  assertEquals(sumOf([]).every((value) => value === 0), true);
});

Deno.test("begin() refuses to clip rows that BatchNorm mixes", () => {
  const graph = readGraph(
    model([6], "softmaxCrossEntropy", dense(4), layer("BatchNormalization"), dense(4)),
  );
  using trainer = NativeTrainer.create(graph, 4);
  assertThrows(
    () => trainer.begin(PLAN, 4, { clips: true }),
    UnsupportedModelError,
    "such as BatchNorm",
  );
});

Deno.test("a row whose gradient is not finite makes the loss NaN", () => {
  const { trainer, data } = trainerOf(
    model([2], "softmaxCrossEntropy", dense(4, { activation: "relu" }), dense(4)),
    undefined,
    3,
  );
  using _ = trainer;
  trainer.parameters = trainer.parameters.map((x) => x * 1e30);
  trainer.begin(PLAN, 3, { clips: true });
  trainer.shuffle(Uint32Array.of(0, 1, 2));
  assertEquals(trainer.sumClipped(0, data.length, 1).loss, NaN);
});

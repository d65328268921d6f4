import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { Dataset } from "../../src/data/dataset.ts";
import { Random } from "../../src/base/random.ts";
import type { TrainPlan } from "../../src/plan/train_plan.ts";
import type { ModelDescription } from "../../src/train/handler.ts";
import { twoNN } from "../../src/train/models/models.ts";
import { type Graph, UnsupportedModelError } from "../../src/engine/graph/graph.ts";
import { initialVector } from "../../src/engine/initializers.ts";
import { readGraph } from "../../src/engine/graph/read_graph.ts";
import { NativeTrainer } from "../../src/engine/trainer.ts";
import { ClientSGDHandler } from "../../mod.ts";
import { type Layer, sequential } from "../helpers/layer_models.ts";
import { referenceLoss } from "../helpers/reference_network.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const PLAN: TrainPlan = {
  round: 1,
  epochs: 1,
  batchSize: 5,
  learningRate: 1,
  momentum: 0,
  weightDecay: 0,
  keepMomentum: false,
  seed: 3,
  rank: 1,
};

/** A trainer on all of the data. */
function trainerOf(graph: Graph, data: Dataset): NativeTrainer {
  const trainer = NativeTrainer.create(graph, data.length);
  trainer.use(data);
  return trainer;
}

const LOGITS: readonly Layer[] = [["Flatten"], ["Dense", { units: 3 }]];

/** A layer of a functional model. */
function layer(
  name: string,
  class_name: string,
  config: Record<string, unknown>,
  inputs: readonly string[],
): Record<string, unknown> {
  return {
    name,
    class_name,
    config: { name, ...config },
    inbound_nodes: inputs.length === 0 ? [] : [inputs.map((input) => [input, 0, 0, {}])],
  };
}

/** Residual block. */
function residual(): ModelDescription {
  const conv = { filters: 2, kernel_size: [3, 3], padding: "same" };
  return {
    format: "tfjs-layers",
    topology: {
      class_name: "Model",
      config: {
        name: "residual",
        layers: [
          layer("in", "InputLayer", { batch_input_shape: [null, 4, 5, 1], dtype: "float32" }, []),
          layer("one", "Conv2D", { ...conv, activation: "relu" }, ["in"]),
          layer("two", "Conv2D", conv, ["one"]),
          layer("sum", "Add", {}, ["two", "one"]),
          layer("relu", "Activation", { activation: "relu" }, ["sum"]),
          layer("flat", "Flatten", {}, ["relu"]),
          layer("logits", "Dense", { units: 3 }, ["flat"]),
        ],
        input_layers: [["in", 0, 0]],
        output_layers: [["logits", 0, 0]],
      },
    },
    loss: "softmaxCrossEntropy",
  };
}

/**
 * Two dense layers side by side, whose rectifiers come after both, and whose results feed two
 * layers each.
 */
function branches(): ModelDescription {
  return {
    format: "tfjs-layers",
    topology: {
      class_name: "Model",
      config: {
        name: "branches",
        layers: [
          layer("in", "InputLayer", { batch_input_shape: [null, 6], dtype: "float32" }, []),
          layer("one", "Dense", { units: 8 }, ["in"]),
          layer("two", "Dense", { units: 8 }, ["in"]),
          layer("relu1", "Activation", { activation: "relu" }, ["one"]),
          layer("relu2", "Activation", { activation: "relu" }, ["two"]),
          layer("sum", "Add", {}, ["relu1", "relu2"]),
          layer("norm", "BatchNormalization", { epsilon: 0.1 }, ["sum"]),
          layer("all", "Add", {}, ["relu1", "relu2", "norm", "norm"]),
          layer("logits", "Dense", { units: 3 }, ["all"]),
        ],
        input_layers: [["in", 0, 0]],
        output_layers: [["logits", 0, 0]],
      },
    },
    loss: "softmaxCrossEntropy",
  };
}

function randomData(
  shape: readonly number[],
  rows: number,
  numClasses: number,
  density = 1,
): Dataset {
  const random = new Random(11, "initial-weights");
  const length = shape.reduce((product, n) => product * n, 1);
  const features = Float32Array.from(
    { length: rows * length },
    () => random.uint32() < density * 2 ** 32 ? random.uint32() / 2 ** 31 - 1 : 0,
  );
  const labels = Int32Array.from({ length: rows }, () => random.uint32() % numClasses);
  return new Dataset(features, labels, shape, numClasses);
}

/** Rows of whole numbers below `vocabulary`. */
function randomWords(
  shape: readonly number[],
  rows: number,
  numClasses: number,
  vocabulary: number,
): Dataset {
  const { features, labels } = randomData(shape, rows, numClasses);
  const words = features.map((value) => Math.floor((value + 1) / 2 * vocabulary));
  return new Dataset(words, labels, shape, numClasses);
}

const MODELS: readonly (readonly [name: string, shape: readonly number[], ModelDescription])[] = [
  [
    "dense layers",
    [7],
    sequential([7], [
      ["Dense", { units: 5, activation: "relu" }],
      ["Dense", { units: 9, use_bias: false }],
      ["LeakyReLU", { alpha: 0.2 }],
      ["Dense", { units: 3 }],
    ]),
  ],
  ...([
    ["valid", [1, 1], [1, 1], [3, 3]],
    ["same", [1, 1], [1, 1], [3, 2]],
    ["same", [2, 2], [1, 1], [5, 5]],
    ["valid", [2, 1], [1, 1], [2, 3]],
    ["same", [1, 1], [2, 2], [3, 3]],
    ["valid", [1, 1], [1, 2], [2, 3]],
  ] as const).map(([padding, strides, dilation_rate, kernel_size]) => {
    const config = { filters: 4, kernel_size, strides, dilation_rate, padding, activation: "relu" };
    const name = `a convolution, ${padding}, strides ${strides}, dilation ${dilation_rate}`;
    const layers: Layer[] = [
      ["Conv2D", { filters: 5, kernel_size: [2, 2], padding: "same" }],
      ["Conv2D", config],
      ...LOGITS,
    ];
    return [name, [7, 6, 2], sequential([7, 6, 2], layers)] as const;
  }),
  ...(["MaxPooling2D", "AveragePooling2D"] as const).flatMap((pool) =>
    ([["valid", [2, 2], [2, 2]], ["same", [3, 3], [2, 2]], ["same", [2, 3], [1, 1]]] as const).map((
      [padding, pool_size, strides],
    ) => {
      const layers: Layer[] = [
        ["Conv2D", { filters: 5, kernel_size: [3, 3], activation: "relu" }],
        [pool, { pool_size, strides, padding }],
        ...LOGITS,
      ];
      const name = `${pool}, ${padding}, ${pool_size} by ${strides}`;
      return [name, [7, 6, 1], sequential([7, 6, 1], layers)] as const;
    })
  ),
  [
    "convolutions with maxima after a rectifier, and after nothing",
    [9, 10, 1],
    sequential([9, 10, 1], [
      ["Conv2D", { filters: 4, kernel_size: [3, 3], padding: "same" }],
      ["LeakyReLU", { alpha: 0.3 }],
      ["MaxPooling2D", { pool_size: [2, 2], strides: [2, 2] }],
      ["Conv2D", { filters: 6, kernel_size: [3, 3], padding: "same" }],
      ["MaxPooling2D", { pool_size: [2, 2], strides: [2, 2] }],
      ...LOGITS,
    ]),
  ],
  [
    "a convolution of more filters than pixels, most of them unused",
    [3, 3, 2],
    sequential([3, 3, 2], [
      ["Conv2D", { filters: 12, kernel_size: [1, 1] }],
      ["Conv2D", { filters: 40, kernel_size: [2, 2], activation: "relu" }],
      ["MaxPooling2D", { pool_size: [2, 2], strides: [2, 2] }],
      ...LOGITS,
    ]),
  ],
  ...([3, 5] as const).map((taps) => {
    const layers: Layer[] = [
      ["Conv2D", { filters: 16, kernel_size: [1, 1] }],
      ["Conv2D", { filters: 20, kernel_size: [taps, taps], padding: "same" }],
      ["GlobalAveragePooling2D"],
      ["Dense", { units: 3 }],
    ];
    return [
      `a wide convolution of ${taps} taps`,
      [5, 6, 1],
      sequential([5, 6, 1], layers),
    ] as const;
  }),
  [
    "GlobalAveragePooling2D",
    [5, 4, 2],
    sequential([5, 4, 2], [
      ["Conv2D", { filters: 6, kernel_size: [3, 3] }],
      ["GlobalAveragePooling2D"],
      ["Dense", { units: 3 }],
    ]),
  ],
  ["a residual block", [4, 5, 1], residual()],
  ["branches", [6], branches()],
  [
    "curves in place and not, and a softmax within",
    [5, 4, 2],
    sequential([5, 4, 2], [
      ["Conv2D", { filters: 5, kernel_size: [2, 2], activation: "sigmoid" }],
      ["MaxPooling2D", { pool_size: [2, 2], strides: [1, 1] }],
      ["Activation", { activation: "tanh" }],
      ["Dense", { units: 6, activation: "softmax" }],
      ["Activation", { activation: "sigmoid" }],
      ...LOGITS,
    ]),
  ],
  ...([
    ["valid", [1, 1], 1, [3, 3], 21],
    ["same", [2, 2], 3, [3, 2], 2],
    ["same", [1, 1], 2, [2, 2], 4],
    ["valid", [2, 1], 1, [2, 3], 3],
  ] as const).map(([padding, strides, depth_multiplier, kernel_size, filters]) => {
    const config = { padding, strides, depth_multiplier, kernel_size, activation: "relu" };
    const layers: Layer[] = [
      ["Conv2D", { filters, kernel_size: [2, 2], use_bias: false }],
      ["DepthwiseConv2D", config],
      ["DepthwiseConv2D", { kernel_size: [1, 2], use_bias: false }],
      ...LOGITS,
    ];
    const name = `a depthwise convolution, ${padding}, ${strides}, times ${depth_multiplier}`;
    return [name, [6, 5, 2], sequential([6, 5, 2], layers)] as const;
  }),
  [
    "batch normalization",
    [6, 5, 2],
    sequential([6, 5, 2], [
      ["BatchNormalization", { epsilon: 0.01 }],
      ["Conv2D", { filters: 5, kernel_size: [2, 2], use_bias: false }],
      ["BatchNormalization", { epsilon: 0.1 }],
      ["ReLU"],
      ["Flatten"],
      ["Dense", { units: 9 }],
      ["BatchNormalization", { scale: false, epsilon: 0.1 }],
      ["Activation", { activation: "tanh" }],
      ["Dense", { units: 3 }],
      ["BatchNormalization", { center: false, epsilon: 0.1 }],
    ]),
  ],
  [
    "dropout",
    [2, 3, 1],
    sequential([2, 3, 1], [
      ["Dropout", { rate: 0.2 }],
      ["MaxPooling2D", { pool_size: [1, 2], strides: [1, 1] }],
      ["Flatten"],
      ["Dense", { units: 9, activation: "tanh" }],
      ["Dropout", { rate: 0.5 }],
      ["Dense", { units: 7, activation: "relu" }],
      ["Dropout", { rate: 0.25 }],
      ["ReLU"],
      ["Dense", { units: 3 }],
    ]),
  ],
  [
    "an embedding",
    [7],
    sequential([7], [
      ["Embedding", { input_dim: 4, output_dim: 5 }],
      ["Activation", { activation: "sigmoid" }],
      ["Dense", { units: 6, activation: "relu" }],
      ["GlobalAveragePooling1D"],
      ["Dropout", { rate: 0 }],
      ["Dense", { units: 3 }],
    ]),
  ],
  ...([
    ["LSTM", {}],
    ["LSTM", { recurrent_activation: "sigmoid", peepholes: true, unit_forget_bias: true }],
    ["GRU", { recurrent_activation: "sigmoid", go_backwards: true }],
    ["GRU", { recurrent_activation: "sigmoid", reset_after: true }],
    ["SimpleRNN", { use_bias: false }],
  ] as const).map(([cell, config]) => {
    const layers: Layer[] = [
      [cell, { units: 5, return_sequences: true, ...config }],
      ["Dense", { units: 4, activation: "tanh" }],
      [cell, { units: 6, ...config }],
      ["Dense", { units: 3 }],
    ];
    const name = `two layers ${cell} with ${JSON.stringify(config)}`;
    return [name, [4, 3], sequential([4, 3], layers)] as const;
  }),
  ...([
    ["concat", "LSTM", { recurrent_activation: "sigmoid", peepholes: true }],
    ["sum", "GRU", { recurrent_activation: "sigmoid", reset_after: true }],
    ["mul", "SimpleRNN", {}],
    ["ave", "LSTM", { use_bias: false }],
  ] as const).map(([merge_mode, class_name, config]) => {
    const both = (units: number, more: object): Layer => [
      "Bidirectional",
      { merge_mode, layer: { class_name, config: { units, ...config, ...more } } },
    ];
    const layers: Layer[] = [
      ["Embedding", { input_dim: 4, output_dim: 5, mask_zero: true }],
      both(5, { return_sequences: true }),
      ["Dense", { units: 4, activation: "tanh" }],
      both(3, {}),
      ["Dense", { units: 3 }],
    ];
    return [
      `an embedding before ${class_name} in both directions, ${merge_mode}`,
      [6],
      sequential([6], layers),
    ] as const;
  }),
  [
    "convolutions of sequences, normalized, with GELU",
    [9, 3],
    sequential([9, 3], [
      ["Conv1D", { filters: 5, kernel_size: [3], padding: "causal", dilation_rate: 2 }],
      ["LayerNormalization"],
      ["Activation", { activation: "gelu_new" }],
      ["Conv1D", { filters: 4, kernel_size: 2, strides: 2, padding: "same" }],
      ["LayerNormalization", { scale: false, epsilon: 0.01 }],
      ...LOGITS,
    ]),
  ],
  [
    "an embedding whose mean leaves out the padding",
    [7],
    sequential([7], [
      ["Embedding", { input_dim: 4, output_dim: 6, mask_zero: true }],
      ["LayerNormalization", { center: false }],
      ["GlobalAveragePooling1D"],
      ["Dense", { units: 3 }],
    ]),
  ],
  [
    "an embedding of padded sequences",
    [7],
    sequential([7], [
      ["Embedding", { input_dim: 4, output_dim: 5, mask_zero: true }],
      ["LSTM", { units: 5, return_sequences: true }],
      ["Dense", { units: 4, activation: "tanh" }],
      ["GRU", { units: 4, go_backwards: true }],
      ["Dense", { units: 3 }],
    ]),
  ],
  [
    "categorical cross-entropy of a softmax",
    [6],
    sequential([6], [
      ["Dense", { units: 8, activation: "tanh" }],
      ["Dense", { units: 3, activation: "softmax" }],
    ], "categoricalCrossentropy"),
  ],
  [
    "binary cross-entropy of a sigmoid",
    [6],
    sequential([6], [
      ["Dense", { units: 8, activation: "sigmoid" }],
      ["Dense", { units: 1, activation: "sigmoid" }],
    ], "binaryCrossentropy"),
  ],
  [
    "a squared error",
    [6],
    sequential([6], [
      ["Dense", { units: 8, activation: "tanh" }],
      ["Dense", { units: 1 }],
    ], "meanSquaredError"),
  ],
  [
    "few inputs that are not zero",
    [60],
    sequential([60], [
      ["Dense", { units: 44, activation: "relu" }],
      ["Dense", { units: 3 }],
    ]),
  ],
];

for (const [name, shape, description] of MODELS) {
  Deno.test(`NativeTrainer's gradient of ${name} is that of central differences in float64`, () => {
    const graph = readGraph(description);
    const classes = description.loss === "binaryCrossentropy" ? 2 : 3;
    const data = name.startsWith("an embedding")
      ? randomWords(shape, 5, 3, 4)
      : randomData(shape, 5, classes, name.startsWith("few") ? 0.2 : 1);
    const moving = graph.manifest.tensors.filter(({ trainable }) => !trainable);
    using trainer = trainerOf(graph, data);
    const before = initialVector(graph, 5).map((value, i) => value || ((i % 7) - 3) / 50);
    const order = new Uint32Array([4, 0, 2, 1, 3]);
    const samples = Array.from(order, (i) => ({
      x: Float64Array.from(data.features.subarray(i * data.rowLength, (i + 1) * data.rowLength)),
      label: data.labels[i] ?? 0,
    }));
    const vector = Float64Array.from(before);
    const lossNow = () => {
      const { seed, round, rank } = PLAN;
      return referenceLoss(graph, vector, samples, new Random(seed, "dropout", { round, rank }));
    };
    const lossAt = (i: number, value: number) => {
      const kept = vector[i] ?? 0;
      vector[i] = value;
      const loss = lossNow();
      vector[i] = kept;
      return loss;
    };
    const step = (plan: TrainPlan) => {
      trainer.parameters = before;
      trainer.begin(plan, 5);
      trainer.shuffle(order);
      const { loss } = trainer.step(0, 5);
      return { loss, after: trainer.parameters.slice() };
    };
    // One gradient goes straight into the parameters, the other into a gradient vector first.
    const direct = step(PLAN);
    const decayed = step({ ...PLAN, weightDecay: 0.125 });
    assert(Math.abs(direct.loss / 5 - lossNow()) < 1e-5);
    const h = 1e-5;
    // Of many parameters every so many: an odd number, so that all filters and taps have their
    // turn.
    const stride = Math.floor(vector.length / 300) | 1;
    for (let i = 0; i < vector.length; i += stride) {
      if (moving.some(({ offset, length }) => i >= offset && i < offset + length)) continue;
      const value = before[i] ?? 0;
      const gradient = (lossAt(i, value + h) - lossAt(i, value - h)) / (2 * h);
      const error = value - (direct.after[i] ?? 0) - gradient;
      assert(Math.abs(error) < 2e-5, `direct, ${i}: off by ${error} from ${gradient}`);
      const penalized = gradient + 0.125 * value;
      const other = value - (decayed.after[i] ?? 0) - penalized;
      assert(Math.abs(other) < 2e-5, `by the vector, ${i}: off by ${other} from ${penalized}`);
    }
  });
}

const CNN = sequential([8, 8, 1], [
  ["Conv2D", { filters: 8, kernel_size: [5, 5], padding: "same", activation: "relu" }],
  ["MaxPooling2D", { pool_size: [2, 2], strides: [2, 2] }],
  ["Conv2D", { filters: 16, kernel_size: [5, 5], padding: "same", activation: "relu" }],
  ["MaxPooling2D", { pool_size: [2, 2], strides: [2, 2] }],
  ["Flatten"],
  ["Dense", { units: 32, activation: "relu" }],
  ["Dense", { units: 10 }],
]);

const NORMED = sequential([8, 8, 1], [
  ["Conv2D", { filters: 6, kernel_size: [3, 3], padding: "same", use_bias: false }],
  ["BatchNormalization"],
  ["ReLU"],
  ["DepthwiseConv2D", { kernel_size: [3, 3], strides: [2, 2], padding: "same" }],
  ["BatchNormalization", { momentum: 0.9 }],
  ["Activation", { activation: "sigmoid" }],
  ["DepthwiseConv2D", { kernel_size: [2, 2], depth_multiplier: 2, activation: "tanh" }],
  ["Flatten"],
  ["Dense", { units: 10, activation: "softmax" }],
], "categoricalCrossentropy");
const WORDS = sequential([12], [
  ["Embedding", { input_dim: 30, output_dim: 8 }],
  ["Dense", { units: 8, activation: "tanh" }],
  ["GlobalAveragePooling1D"],
  ["Dense", { units: 10 }],
]);
const NORMED_WORDS = sequential([9], [
  ["Embedding", { input_dim: 30, output_dim: 8 }],
  ["Conv1D", { filters: 7, kernel_size: 3, padding: "same", activation: "relu" }],
  ["LayerNormalization"],
  ["Dense", { units: 6, activation: "gelu" }],
  ["GlobalAveragePooling1D"],
  ["Dense", { units: 10 }],
]);
const SEQUENCES = sequential([9], [
  ["Embedding", { input_dim: 30, output_dim: 8, mask_zero: true }],
  ["LSTM", { units: 7, return_sequences: true, unit_forget_bias: true }],
  ["GRU", { units: 6, return_sequences: true, recurrent_activation: "sigmoid" }],
  ["SimpleRNN", { units: 8 }],
  ["Dense", { units: 10 }],
]);

for (
  const [name, description, shape, momentum] of [
    ["2NN", twoNN({ inputShape: [28, 28, 1], numClasses: 10 }), [28, 28, 1], 0],
    ["a CNN", CNN, [8, 8, 1], 0],
    ["a normed net", NORMED, [8, 8, 1], 0],
    ["a normed net with momentum", NORMED, [8, 8, 1], 0.9],
    ["words", WORDS, [12], 0],
    ["words in recurrent layers", SEQUENCES, [9], 0],
    ["words in convolutions and layer normalization", NORMED_WORDS, [9], 0],
    ["2NN with momentum", twoNN({ inputShape: [8, 8], numClasses: 10 }), [8, 8], 0.9],
  ] as const
) {
  Deno.test(`ClientSGDHandler learns the same on both engines in 100 steps of ${name}`, async () => {
    const data = name.startsWith("words")
      ? randomWords(shape, 1000, 10, 30)
      : randomData(shape, 1000, 10);
    const plan = {
      ...PLAN,
      batchSize: 10,
      learningRate: 0.01,
      momentum,
      weightDecay: momentum / 100,
    };
    const start = initialVector(readGraph(description), 1);
    const results: Float32Array[] = [];
    for (const engine of ["native", "tfjs"] as const) {
      await using handler = new ClientSGDHandler({ data, engine });
      await handler.setUp(description);
      handler.parameters = start;
      assertEquals((await handler.train(plan)).steps, 100);
      results.push(handler.parameters.slice());
    }
    const [one = new Float32Array(), other = new Float32Array()] = results;
    let difference = 0, norm = 0;
    one.forEach((value, i) => {
      difference += (value - (other[i] ?? 0)) ** 2;
      norm += value ** 2;
    });
    assert(Math.sqrt(difference / norm) <= 1e-4, `${Math.sqrt(difference / norm)}`);
    assert(one.some((value, i) => Math.abs(value - (start[i] ?? 0)) > 1e-3), "nothing was learnt");
  });
}

Deno.test("NativeTrainer accepts batches of any size, and is reproducible byte for byte", () => {
  const description = CNN;
  const graph = readGraph(description);
  const data = randomData([8, 8, 1], 700, 10);
  const run = () => {
    using trainer = trainerOf(graph, data);
    trainer.parameters = initialVector(graph, 2);
    trainer.begin({ ...PLAN, learningRate: 0.1, momentum: 0.5 }, 700);
    trainer.shuffle(Uint32Array.from({ length: 700 }, (_, i) => 699 - i));
    const { loss } = trainer.step(0, 700);
    trainer.step(0, 333);
    return { loss, vector: trainer.parameters.slice(), judged: trainer.judge(data, 3, 699) };
  };
  const one = run();
  assertEquals(one, run());
  assert(Math.abs(one.loss / 700 - Math.log(10)) < 0.5);
});

Deno.test("NativeTrainer refuses an embedding of a layer's output by name", () => {
  const description = sequential([4], [
    ["Dense", { units: 3 }],
    ["Embedding", { input_dim: 4, output_dim: 5 }],
  ]);
  const data = randomData([4], 3, 3);
  assertThrows(
    () => NativeTrainer.create(readGraph(description), data.length),
    UnsupportedModelError,
    "Cannot run layer layer1: the native engine embeds nothing but the model's input",
  );
});

Deno.test("NativeTrainer refuses words outside of an embedding's range, and names the first", () => {
  const embedding = { input_dim: 4, output_dim: 2, input_length: 3 };
  const graph = readGraph(sequential([3], [["Embedding", embedding], ...LOGITS]));
  const data = (...features: number[]) =>
    new Dataset(Float32Array.from(features), new Int32Array([0, 1]), [3], 3);
  const good = data(0, 1, 2, 3, 0, 3);
  using trainer = trainerOf(graph, good);
  for (const [index, word] of [[5, 4], [3, -1], [4, 0.5], [3, NaN]] as const) {
    const bad = data(...good.features.with(index, word));
    for (const take of [() => trainer.use(bad), () => trainer.judge(bad, 0, 1)]) {
      assertThrows(
        take,
        RangeError,
        `Cannot embed the data in layer layer0: expected whole numbers from 0 to 3, its vocabulary being 4, got ${word} in row 1`,
      );
    }
  }
});

Deno.test("NativeTrainer does not change frozen layers, with momentum and without", () => {
  const graph = readGraph(sequential([4], [
    ["Dense", { units: 6, trainable: false }],
    ["BatchNormalization", { trainable: false }],
    ["Dense", { units: 3 }],
  ]));
  const data = randomData([4], 5, 3);
  for (const momentum of [0, 0.5]) {
    using trainer = trainerOf(graph, data);
    trainer.parameters = initialVector(graph, 5);
    const before = trainer.parameters.slice();
    trainer.begin({ ...PLAN, momentum }, 5);
    trainer.shuffle(new Uint32Array([4, 0, 2, 1, 3]));
    trainer.step(0, 5);
    graph.manifest.tensors.forEach(({ offset, length, trainable }, i) => {
      const same = trainer.parameters.slice(offset, offset + length)
        .every((value, k) => value === before[offset + k]);
      assertEquals(same, !trainable, `tensor ${i}`);
    });
  }
});

Deno.test("NativeTrainer draws other dropout masks for each step, round and client, and none for evaluation", () => {
  const layers: Layer[] = [
    ["Dense", { units: 64 }],
    ["Dropout", { rate: 0.3 }],
    ["Dense", { units: 3 }],
  ];
  const graph = readGraph(sequential([4], layers));
  const data = randomData([4], 300, 3);
  using trainer = trainerOf(graph, data);
  trainer.parameters = initialVector(graph, 5);
  const losses = (changes: Partial<TrainPlan>): number[] => {
    trainer.begin({ ...PLAN, learningRate: 0, ...changes }, 300);
    trainer.shuffle(Uint32Array.from({ length: 300 }, (_, i) => i));
    return [0, 1].map(() => trainer.step(0, 300).loss);
  };
  const first = losses({});
  assertEquals(losses({}), first);
  const all = [first, losses({ round: 2 }), losses({ rank: 2 }), losses({ seed: 4 })].flat();
  assertEquals(new Set(all).size, 8);
  using plain = trainerOf(readGraph(sequential([4], layers.toSpliced(1, 1))), data);
  plain.parameters = trainer.parameters;
  assertEquals(trainer.judge(data, 20, 270), plain.judge(data, 20, 270));
});

Deno.test("NativeTrainer refuses parameters of another length, and keeps its own", () => {
  const graph = readGraph(sequential([4], [["Dense", { units: 3 }]]));
  const data = randomData([4], 3, 3);
  using trainer = trainerOf(graph, data);
  const own = trainer.parameters.slice();
  assertThrows(
    () => trainer.parameters = new Float32Array(3),
    RangeError,
    "expected 15 values, got 3",
  );
  assertThrows(() => trainer.parameters = new Float32Array(15).fill(NaN), RangeError, "got 15");
  assertEquals(trainer.parameters, own);
});

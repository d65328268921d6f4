import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { Dataset } from "../src/data/dataset.ts";
import { Random } from "../src/random.ts";
import type { ModelDescription, TrainPlan } from "../src/train/handler.ts";
import { twoNN } from "../src/train/models.ts";
import { UnsupportedModelError } from "../src/train/native/_graph.ts";
import { initialVector } from "../src/train/native/_initializers.ts";
import { readGraph } from "../src/train/native/_read_graph.ts";
import { NativeTrainer } from "../src/train/native/trainer.ts";
import { ClientSGDHandler } from "../src/train/tfjs/mod.ts";
import { referenceLoss } from "./_reference_network.ts";

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

type LayerConfig = readonly [className: string, config?: Record<string, unknown>];

/** A model of layers one after the other. */
function sequential(shape: readonly number[], layers: readonly LayerConfig[]): ModelDescription {
  return {
    format: "tfjs-layers",
    topology: {
      class_name: "Sequential",
      config: {
        name: "model",
        layers: layers.map(([class_name, config], i) => ({
          class_name,
          config: {
            name: `layer${i}`,
            ...(i === 0 && { batch_input_shape: [null, ...shape] }),
            ...config,
          },
        })),
      },
    },
    loss: "softmaxCrossEntropy",
  };
}

const LOGITS: readonly LayerConfig[] = [["Flatten"], ["Dense", { units: 3 }]];

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

/** A block whose input joins its output. */
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

/** Two dense layers side by side, whose rectifiers come after both. */
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
          layer("logits", "Dense", { units: 3 }, ["sum"]),
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
    const layers: LayerConfig[] = [
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
      const layers: LayerConfig[] = [
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
    const layers: LayerConfig[] = [
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
    const data = randomData(shape, 5, 3, name.startsWith("few") ? 0.2 : 1);
    using trainer = NativeTrainer.create(graph, data, data);
    const before = initialVector(graph, 5).map((value, i) => value || ((i % 7) - 3) / 50);
    const samples = Array.from({ length: data.length }, (_, i) => ({
      x: Float64Array.from(data.features.subarray(i * data.rowLength, (i + 1) * data.rowLength)),
      label: data.labels[i] ?? 0,
    }));
    const vector = Float64Array.from(before);
    const lossAt = (i: number, value: number) => {
      const kept = vector[i] ?? 0;
      vector[i] = value;
      const loss = referenceLoss(graph, vector, samples);
      vector[i] = kept;
      return loss;
    };
    const step = (plan: TrainPlan) => {
      trainer.parameters = before;
      trainer.begin(plan, 5);
      trainer.shuffle(new Uint32Array([4, 0, 2, 1, 3]));
      const { loss } = trainer.step(0, 5);
      return { loss, after: trainer.parameters.slice() };
    };
    // The one goes straight into the parameters, the other by way of a gradient vector.
    const direct = step(PLAN);
    const decayed = step({ ...PLAN, weightDecay: 0.125 });
    assert(Math.abs(direct.loss / 5 - referenceLoss(graph, vector, samples)) < 1e-5);
    const h = 1e-5;
    // Of many parameters every so many: an odd number, so that all filters and taps have their turn.
    const stride = Math.floor(vector.length / 300) | 1;
    for (let i = 0; i < vector.length; i += stride) {
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

for (
  const [name, description, shape, momentum] of [
    ["2NN", twoNN({ inputShape: [28, 28, 1], numClasses: 10 }), [28, 28, 1], 0],
    ["a CNN", CNN, [8, 8, 1], 0],
    ["2NN with momentum", twoNN({ inputShape: [8, 8], numClasses: 10 }), [8, 8], 0.9],
  ] as const
) {
  Deno.test(`ClientSGDHandler learns the same on both engines in 100 steps of ${name}`, async () => {
    const data = randomData(shape, 1000, 10);
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

Deno.test("NativeTrainer takes a batch of any size, and gives the same bytes again", () => {
  const description = CNN;
  const graph = readGraph(description);
  const data = randomData([8, 8, 1], 700, 10);
  const run = () => {
    using trainer = NativeTrainer.create(graph, data, data);
    trainer.parameters = initialVector(graph, 2);
    trainer.begin({ ...PLAN, learningRate: 0.1, momentum: 0.5 }, 700);
    trainer.shuffle(Uint32Array.from({ length: 700 }, (_, i) => 699 - i));
    const { loss } = trainer.step(0, 700);
    trainer.step(0, 333);
    return { loss, vector: trainer.parameters.slice(), judged: trainer.judge(3, 699) };
  };
  const one = run();
  assertEquals(one, run());
  assert(Math.abs(one.loss / 700 - Math.log(10)) < 0.5);
});

Deno.test("NativeTrainer refuses a layer that it has no kernels for, by name", () => {
  const description = sequential([4], [["Dense", { units: 3, activation: "tanh" }]]);
  const data = randomData([4], 3, 3);
  assertThrows(
    () => NativeTrainer.create(readGraph(description), data, data),
    UnsupportedModelError,
    "Cannot run layer layer0: the native engine has no kernels for activation tanh",
  );
});

Deno.test("NativeTrainer refuses parameters that do not fit, and keeps its own", () => {
  const graph = readGraph(sequential([4], [["Dense", { units: 3 }]]));
  const data = randomData([4], 3, 3);
  using trainer = NativeTrainer.create(graph, data, data);
  const own = trainer.parameters.slice();
  assertThrows(
    () => trainer.parameters = new Float32Array(3),
    RangeError,
    "expected 15 values, got 3",
  );
  assertThrows(() => trainer.parameters = new Float32Array(15).fill(NaN), RangeError, "got 15");
  assertEquals(trainer.parameters, own);
});

import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import type { ModelDescription } from "../../src/train/handler.ts";
import { modelByName } from "../../src/train/models/models.ts";
import { type Graph, UnsupportedModelError, type Window2D } from "../../src/engine/graph/graph.ts";
import { readGraph } from "../../src/engine/graph/read_graph.ts";
import { resolvePadding } from "../../src/engine/graph/shapes.ts";
import { tf } from "../../src/tfjs/deps.ts";
import { buildModel } from "../../src/tfjs/network.ts";
import { initialParameters } from "../../mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

type Fields = Record<string, unknown>;

const layer = (class_name: string, config: Fields = {}) => ({ class_name, config });

function described(class_name: string, config: unknown): ModelDescription {
  return {
    format: "tfjs-layers",
    topology: { class_name, config },
    loss: "softmaxCrossEntropy",
  };
}

function sequential(shape: readonly (number | null)[], ...layers: { config: Fields }[]) {
  const [first, ...rest] = layers;
  const start = { ...first, config: { ...first?.config, batch_input_shape: [null, ...shape] } };
  return described("Sequential", { name: "model", layers: [start, ...rest] });
}

/**
 * A functional model; each step is `[name, class, config, ...inputs]`, and the last one gives the
 * output.
 */
function functional(...steps: [string, string, Fields, ...string[]][]): ModelDescription {
  return described("Model", {
    name: "model",
    layers: steps.map(([name, class_name, config, ...inputs]) => ({
      name,
      class_name,
      config: { name, ...config },
      inbound_nodes: inputs.length > 0 ? [inputs.map((input) => [input, 0, 0, {}])] : [],
    })),
    input_layers: [[steps[0]?.[0], 0, 0]],
    output_layers: [[steps.at(-1)?.[0], 0, 0]],
  });
}

const input = (...shape: number[]): [string, string, Fields] => [
  "in",
  "InputLayer",
  { batch_input_shape: [null, ...shape], dtype: "float32" },
];

const residual = functional(
  input(8, 8, 3),
  ["late", "Conv2D", { filters: 4, kernel_size: 1 }, "in"],
  ["conv", "Conv2D", { filters: 4, kernel_size: [3, 3], padding: "same", use_bias: false }, "in"],
  ["norm", "BatchNormalization", { axis: [3] }, "conv"],
  ["relu", "Activation", { activation: "relu" }, "norm"],
  ["sum", "Add", {}, "relu", "late"],
  ["pool", "GlobalAveragePooling2D", {}, "sum"],
  ["out", "Dense", { units: 5, activation: "softmax" }, "pool"],
);

const MODELS: Record<string, ModelDescription> = {
  "unnamed dense layers": sequential(
    [6],
    layer("Dense", { units: 5, activation: "tanh" }),
    layer("Dense", { units: 4, name: "own" }),
    layer("Dense", { units: 3, use_bias: false }),
  ),
  "names that tfjs made": sequential(
    [6],
    layer("Dense", { units: 5, name: "dense_Dense7" }),
    layer("Dense", { units: 4, name: "dense_Dense3" }),
  ),
  "camelCase keys": described("Sequential", [
    { className: "Dense", config: { units: 4, inputShape: [3], useBias: false, name: "a" } },
    { className: "LeakyReLU", config: { alpha: 0.1 } },
  ]),
  "an input layer first": described("Sequential", {
    layers: [
      layer("InputLayer", { batch_input_shape: [null, 2, 3] }),
      layer("Flatten"),
      layer("Dense", { units: 2 }),
    ],
  }),
  "a convolutional network": sequential(
    [12, 10, 2],
    layer("Conv2D", { filters: 4, kernel_size: 3, activation: "relu" }),
    layer("MaxPooling2D", { pool_size: [2, 2] }),
    layer("DepthwiseConv2D", { kernel_size: [3, 2], depth_multiplier: 2, padding: "same" }),
    layer("AveragePooling2D", { strides: [1, 2], padding: "same" }),
    layer("Dropout", { rate: 0.5 }),
    layer("Flatten", { data_format: "channels_last" }),
    layer("Dense", { units: 10 }),
  ),
  "batch norm without gamma": sequential(
    [5],
    layer("Dense", { units: 4 }),
    layer("BatchNormalization", { scale: false }),
    layer("ReLU"),
    layer("BatchNormalization", { center: false }),
    layer("Dense", { units: 2 }),
    layer("Softmax"),
  ),
  "frozen layers": sequential(
    [5],
    layer("Dense", { units: 4, trainable: false }),
    layer("BatchNormalization", { trainable: false }),
    layer("BatchNormalization"),
    layer("Dense", { units: 2 }),
  ),
  "an embedding": described("Sequential", {
    layers: [
      layer("Embedding", { input_dim: 20, output_dim: 4, input_length: 7, mask_zero: false }),
      layer("GlobalAveragePooling1D"),
      layer("Dense", { units: 2, activation: "sigmoid" }),
    ],
  }),
  "convolutions of sequences": sequential(
    [6, 4],
    layer("Conv1D", { filters: 5, kernel_size: 3, padding: "same", activation: "relu" }),
    layer("LayerNormalization"),
    layer("Conv1D", { filters: 5, kernel_size: 2, strides: 2, use_bias: false, name: "own" }),
    layer("Dense", { units: 2, activation: "gelu" }),
  ),
  "recurrent layers": sequential(
    [6, 4],
    layer("LSTM", { units: 5, return_sequences: true }),
    layer("GRU", { units: 4, return_sequences: true, name: "gates" }),
    layer("SimpleRNN", { units: 3, use_bias: false }),
  ),
  "recurrent layers in both directions": sequential(
    [6, 4],
    layer("Bidirectional", {
      layer: { class_name: "LSTM", config: { units: 5, return_sequences: true, name: "inner" } },
      name: "both",
    }),
    layer("Bidirectional", {
      layer: { class_name: "GRU", config: { units: 4, return_sequences: true } },
      merge_mode: "sum",
    }),
    layer("GRU", { units: 3, return_sequences: true }),
    layer("Bidirectional", { layer: { class_name: "GRU", config: { units: 3, use_bias: false } } }),
  ),
  "a reshape with a size left open": sequential(
    [12],
    layer("Reshape", { target_shape: [2, -1, 3] }),
    layer("Dense", { units: 4 }),
    layer("Reshape", { target_shape: [16] }),
  ),
  "a residual block": residual,
  "a functional model out of order": functional(
    input(4),
    ["b", "Dense", { units: 3 }, "a2"],
    ["a2", "Dense", { units: 3 }, "a"],
    ["c", "Dense", { units: 3 }, "in"],
    ["a", "Dense", { units: 3, name: null }, "in"],
    ["d", "Dense", { units: 3 }, "c"],
    ["unused", "Dense", { units: 9 }, "in"],
    ["sum", "Add", {}, "c", "b", "d", "a2"],
    ["linear", "Activation", { activation: "linear" }, "sum"],
  ),
  "a model of Keras's save()": {
    format: "tfjs-layers",
    topology: { class_name: "Sequential", model_config: residual.topology },
    loss: "softmaxCrossEntropy",
  },
};
for (const name of ["lr", "mlp", "2nn", "cnn"]) {
  MODELS[`the model ${name}`] = modelByName(name, { inputShape: [8, 8, 1], numClasses: 10 });
}

const tfjs = { engine: "tfjs", backend: "cpu" } as const;
const shapeOf = (graph: Graph) => [null, ...graph.nodes.at(-1)?.shape ?? []];

for (const [name, model] of Object.entries(MODELS)) {
  Deno.test(`readGraph() has tfjs's manifest and output shape for ${name}`, async () => {
    const graph = readGraph(model);
    const { manifest } = await initialParameters(model, 1, tfjs);
    assertEquals(graph.manifest.tensors, manifest.tensors);
    assertEquals(await graph.manifest.digest(), await manifest.digest());
    const built = await buildModel(model);
    assertEquals(shapeOf(graph), built.outputs[0]?.shape);
    built.dispose();
  });
}

Deno.test("readGraph() reads the description that tfjs writes", async () => {
  const start = tf.input({ shape: [6, 6, 3] });
  const conv = tf.layers.conv2d({ filters: 4, kernelSize: 3, padding: "same" }).apply(start);
  const depthwise = tf.layers.depthwiseConv2d({ kernelSize: 3, padding: "same" }).apply(conv);
  const norm = tf.layers.batchNormalization({}).apply(depthwise);
  const active = tf.layers.reLU({}).apply(norm);
  const sum = tf.layers.add().apply([active, conv] as tf.SymbolicTensor[]);
  const pool = tf.layers.averagePooling2d({ poolSize: 2 }).apply(sum);
  const flat = tf.layers.dropout({ rate: 0.1 }).apply(tf.layers.flatten().apply(pool));
  const dense = tf.layers.dense({ units: 3, kernelInitializer: "orthogonal" }).apply(flat);
  const model = tf.model({ inputs: start, outputs: dense as tf.SymbolicTensor });
  const topology: Fields = JSON.parse(JSON.stringify(model.toJSON(null, false)));
  model.dispose();
  const description: ModelDescription = {
    format: "tfjs-layers",
    topology,
    loss: "softmaxCrossEntropy",
  };
  const { manifest } = await initialParameters(description, 1, tfjs);
  const graph = readGraph(description);
  assertEquals(graph.manifest.tensors, manifest.tensors);
  assertEquals(shapeOf(graph), [null, 3]);
});

Deno.test("readGraph() puts every node after its inputs, the input first and the output last", () => {
  for (const model of Object.values(MODELS)) {
    const { nodes, manifest } = readGraph(model);
    assertEquals(nodes.map(({ layer }) => layer.type === "input"), nodes.map((_, i) => i === 0));
    nodes.forEach(({ inputs }, i) => assert(inputs.every((before) => before < i)));
    const read = new Set(nodes.flatMap(({ inputs }) => inputs));
    assertEquals(nodes.map((_, i) => i).filter((i) => !read.has(i)), [nodes.length - 1]);
    const used = nodes.flatMap(({ parameters }) => parameters.map(({ tensor }) => tensor));
    assertEquals(used.toSorted((a, b) => a - b), manifest.tensors.map((_, i) => i));
  }
});

Deno.test("readGraph() makes nodes of a residual block", () => {
  const { nodes, manifest } = readGraph(residual);
  const steps = nodes.map(({ name, layer, inputs }) => [name, layer.type, ...inputs]);
  assertEquals(steps, [
    ["in", "input"],
    ["conv", "conv2d", 0],
    ["norm", "batchNorm", 1],
    ["relu", "activation", 2],
    ["late", "conv2d", 0],
    ["sum", "add", 3, 4],
    ["pool", "globalAveragePool", 5],
    ["out", "dense", 6],
    ["out", "activation", 7],
  ]);
  assertEquals(
    nodes[2]?.parameters.map(({ role, tensor }) => [role, manifest.tensors[tensor]?.name]),
    [
      ["gamma", "norm/gamma"],
      ["beta", "norm/beta"],
      ["movingMean", "norm/moving_mean"],
      ["movingVariance", "norm/moving_variance"],
    ],
  );
});

Deno.test("readGraph() has tfjs's defaults", () => {
  const { nodes } = readGraph(sequential(
    [6, 6, 1],
    layer("Conv2D", { filters: 1, kernel_size: 3 }),
    layer("MaxPooling2D"),
    layer("BatchNormalization"),
    layer("LeakyReLU"),
    layer("Dropout", { rate: 1 }),
  ));
  const [, conv, pool, norm, leaky, dropout] = nodes.map(({ layer }) => layer);
  const window: Window2D = {
    size: [3, 3],
    strides: [1, 1],
    dilation: [1, 1],
    padTop: 0,
    padLeft: 0,
    output: [4, 4],
  };
  assertEquals(conv, { type: "conv2d", filters: 1, useBias: true, window });
  assertEquals(pool, {
    type: "maxPool2d",
    window: { ...window, size: [2, 2], strides: [2, 2], output: [2, 2] },
  });
  assertEquals(norm, {
    type: "batchNorm",
    momentum: 0.99,
    epsilon: 1e-3,
    center: true,
    scale: true,
    frozen: false,
  });
  assertEquals(leaky, { type: "activation", name: "leakyRelu", alpha: 0.3 });
  assertEquals(dropout, { type: "dropout", rate: 0 });
  assertEquals(nodes[1]?.parameters[0]?.initializer, {
    type: "varianceScaling",
    scale: 1,
    mode: "fanAvg",
    distribution: "truncatedNormal",
  });
});

Deno.test("resolvePadding() agrees with tfjs on a grid of windows", () => {
  let cases = 0;
  for (const padding of ["same", "valid"] as const) {
    for (const size of [1, 2, 3, 5]) {
      for (const stride of [1, 2, 3]) {
        for (const dilation of stride === 1 ? [1, 2, 3] : [1]) {
          for (let extent = 1; extent <= 9; extent++) {
            const info = tf.backend_util.computeConv2DInfo(
              [1, extent, extent + 1, 1],
              [size, size, 1, 1],
              stride,
              dilation,
              padding,
            );
            const row = resolvePadding(padding, { input: extent, size, stride, dilation });
            const column = resolvePadding(padding, { input: extent + 1, size, stride, dilation });
            if (row.output < 1) continue;
            assertEquals(row, { before: info.padInfo.top, output: info.outHeight });
            assertEquals(column, { before: info.padInfo.left, output: info.outWidth });
            cases++;
          }
        }
      }
    }
  }
  assert(cases > 250, `only ${cases} cases`);
});

Deno.test("readGraph() infers tfjs's output shapes on a grid of layers", async () => {
  for (const padding of ["same", "valid"]) {
    for (const strides of [1, 2, [2, 1]]) {
      for (
        const one of [
          layer("Conv2D", { filters: 3, kernel_size: [3, 2], strides, padding }),
          layer("DepthwiseConv2D", { kernel_size: 2, strides, padding, depth_multiplier: 2 }),
          layer("MaxPooling2D", { pool_size: [3, 2], strides, padding }),
          layer("AveragePooling2D", { pool_size: 2, strides, padding }),
        ]
      ) {
        const model = sequential([7, 6, 2], one);
        const built = await buildModel(model);
        assertEquals(shapeOf(readGraph(model)), built.outputs[0]?.shape, JSON.stringify(one));
        built.dispose();
      }
    }
  }
});

Deno.test("readGraph() names a layer without a kernel and the reason", () => {
  const dense = (config: Fields) =>
    sequential([4], layer("Dense", { units: 2, name: "d", ...config }));
  const image = (class_name: string, config: Fields) =>
    sequential([6, 6, 2], layer(class_name, { name: "d", kernel_size: 3, filters: 2, ...config }));
  const l2 = layer("L1L2", { l2: 0.1 });
  const cases: [RegExp, ModelDescription][] = [
    [
      /"d".*ConvLSTM2D has no kernel/,
      sequential([4, 5, 5, 2], layer("ConvLSTM2D", { filters: 2, name: "d" })),
    ],
    [
      /"d".*stateful true/,
      sequential([4, 2], layer("LSTM", { units: 2, stateful: true, name: "d" })),
    ],
    [
      /"d".*activation "relu"/,
      sequential([4, 2], layer("GRU", { units: 2, activation: "relu", name: "d" })),
    ],
    ...([
      [/"d".*merge_mode null, which gives two outputs/, { merge_mode: null }],
      [/"d".*backward_layer of its own/, {
        backward_layer: layer("LSTM", { units: 3, go_backwards: true }),
      }],
      [/"d".*Dense inside of it/, { layer: layer("Dense", { units: 2 }) }],
      [/"l".*go_backwards/, { layer: layer("LSTM", { units: 2, name: "l", go_backwards: true }) }],
      [/"l".*trainable false/, { layer: layer("LSTM", { units: 2, name: "l", trainable: false }) }],
      [/"l".*stateful true/, { layer: layer("LSTM", { units: 2, name: "l", stateful: true }) }],
    ] as const).map(([reason, config]): [RegExp, ModelDescription] => {
      const own = { name: "d", layer: layer("LSTM", { units: 2 }), ...config };
      return [reason, sequential([4, 2], layer("Bidirectional", own))];
    }),
    [/"d".*Regularizer/, dense({ kernel_regularizer: l2 })],
    [/"d".*Constraint/, dense({ biasConstraint: layer("NonNeg") })],
    [/"d".*activation "elu"/, dense({ activation: "elu" })],
    [/"d".*initializer "Odd"/, dense({ kernel_initializer: layer("Odd") })],
    [/"d".*data_format "channels_first"/, image("Conv2D", { data_format: "channels_first" })],
    [/"d".*padding "causal"/, image("Conv2D", { padding: "causal" })],
    [/"d".*groups 2/, image("Conv2D", { groups: 2 })],
    [/"d".*strides and dilation/, image("Conv2D", { strides: 2, dilation_rate: 2 })],
    [/"d".*dilation/, image("DepthwiseConv2D", { dilation_rate: 2 })],
    [/"d".*axis 1/, image("BatchNormalization", { axis: 1 })],
    [/"d".*axis 1/, image("Softmax", {})],
    [/"d".*max_value 6/, image("ReLU", { max_value: 6 })],
    [/"d".*noise_shape/, image("Dropout", { rate: 0.5, noise_shape: [null, 1] })],
    [
      /"d".*padding of sequences/,
      sequential(
        [4],
        layer("Embedding", { input_dim: 3, output_dim: 2, mask_zero: true }),
        layer("Flatten", { name: "d" }),
      ),
    ],
    [/"d".*leaves a size open/, sequential([null], layer("Dense", { units: 2, name: "d" }))],
    [
      /"d".*different shapes/,
      functional(input(4), ["a", "Dense", { units: 1 }, "in"], ["d", "Add", {}, "in", "a"]),
    ],
    [
      /Sequential has no kernel/,
      sequential([4], layer("Sequential", { layers: [] })),
    ],
    [/class "Custom"/, described("Custom", {})],
  ];
  for (const [message, model] of cases) {
    const error = assertThrows(() => readGraph(model), UnsupportedModelError);
    assert(message.test(error.message) && !error.message.includes("\n"), error.message);
  }

  const shared = structuredClone(residual);
  const { layers, output_layers } = shared.topology.config as {
    layers: { inbound_nodes: unknown[] }[];
    output_layers: unknown[];
  };
  layers[1]?.inbound_nodes.push([["conv", 0, 0, {}]]);
  assertThrows(() => readGraph(shared), UnsupportedModelError, "shared");
  output_layers.push(["sum", 0, 0]);
  assertThrows(() => readGraph(shared), UnsupportedModelError, "2 outputs");
});

Deno.test("readGraph() refuses an invalid description in one line", () => {
  const cycle = functional(input(4), ["a", "Add", {}, "in", "b"], [
    "b",
    "Dense",
    { units: 4 },
    "a",
  ]);
  const cases: [RegExp, ModelDescription][] = [
    [/list of one layer or more/, described("Sequential", { layers: [] })],
    [/layer 0 to have class_name/, described("Sequential", { layers: [3] })],
    [/input shape/, described("Sequential", [layer("Dense", { units: 2 })])],
    [/units to be a whole number from 1, got 0/, sequential([4], layer("Dense", { units: 0 }))],
    [/units to be .* got nothing/, sequential([4], layer("Dense"))],
    [/use_bias/, sequential([4], layer("Dense", { units: 1, use_bias: "yes" }))],
    [/kernel_size/, sequential([4, 4, 1], layer("Conv2D", { filters: 1, kernel_size: [1, 2, 3] }))],
    [/3 axes, got \[4\]/, sequential([4], layer("Conv2D", { filters: 1, kernel_size: 3 }))],
    [
      /as large as the window/,
      sequential([2, 2, 1], layer("Conv2D", { filters: 1, kernel_size: 3 })),
    ],
    [/target_shape of 4 elements/, sequential([4], layer("Reshape", { target_shape: [3, -1] }))],
    [/two axes or more/, sequential([4], layer("Flatten"))],
    [/rate/, sequential([4], layer("Dropout"))],
    [/name "a"/, sequential([4], layer("ReLU", { name: "a" }), layer("ReLU", { name: "a" }))],
    [/input shape of whole numbers/, sequential([0], layer("Dense", { units: 1 }))],
    [
      /value of initializer Constant/,
      sequential([4], layer("Dense", { units: 1, bias_initializer: layer("Constant") })),
    ],
    [/two inputs or more/, functional(input(4), ["a", "Add", {}, "in"])],
    [/one input, got 2/, functional(input(4), ["a", "Dense", { units: 1 }, "in", "in"])],
    [/cycle/, cycle],
    [/no layer "x"/, functional(input(4), ["a", "Dense", { units: 1 }, "x"])],
    [/class_name/, { format: "tfjs-layers", topology: {}, loss: "meanSquaredError" }],
  ];
  for (const [message, model] of cases) {
    const error = assertThrows(() => readGraph(model), TypeError);
    assert(message.test(error.message) && !error.message.includes("\n"), error.message);
  }
});

import type { Config } from "../../engine/graph/config.ts";
import type { Shape } from "../../engine/graph/graph.ts";
import { LAYERS } from "../../engine/graph/layers.ts";
import { readTopology } from "../../engine/graph/topology.ts";
import { toSnakeCase } from "../../train/models/keras_config.ts";

/**
 * Options of a layer that Keras needs, with the values that the native engine takes for missing.
 */
type Options = Readonly<Record<string, unknown>>;

const ACTIVATED: Options = { activation: "linear", useBias: true };
const WINDOW: Options = { padding: "valid", dilationRate: [1, 1], strides: [1, 1] };

/** Options by class; `undefined` is an option without a default, or one that is left to Keras. */
const OPTIONS: Readonly<Record<string, Options>> = {
  Dense: { units: undefined, ...ACTIVATED },
  Conv2D: { filters: undefined, kernelSize: undefined, ...WINDOW, ...ACTIVATED },
  DepthwiseConv2D: { kernelSize: undefined, depthMultiplier: 1, ...WINDOW, ...ACTIVATED },
  MaxPooling2D: { poolSize: [2, 2], strides: undefined, padding: "valid" },
  AveragePooling2D: { poolSize: [2, 2], strides: undefined, padding: "valid" },
  GlobalAveragePooling1D: {},
  GlobalAveragePooling2D: {},
  BatchNormalization: { momentum: 0.99, epsilon: 1e-3, center: true, scale: true },
  Embedding: { inputDim: undefined, outputDim: undefined },
  Flatten: {},
  Reshape: { targetShape: undefined },
  Dropout: { rate: undefined },
  Activation: { activation: "linear" },
  ReLU: {},
  LeakyReLU: { alpha: 0.3 },
  Softmax: {},
  Add: {},
};

/** Options whose values are not exported, with those that are harmless. */
const HARMLESS: Options = { maskZero: false };
const GELU_NEW: ReadonlySet<unknown> = new Set(["gelu_new", "geluNew"]);

/** Throws an `UnsupportedModelError` if a layer cannot be exported. */
function checkLayer(config: Config): void {
  const { className } = config;
  if (className !== "InputLayer" && !Object.hasOwn(OPTIONS, className)) {
    throw config.unsupported("layers of this class cannot be exported yet");
  }
  for (const [key, harmless] of Object.entries(HARMLESS)) {
    if ((config.get(key) ?? harmless) === harmless) continue;
    throw config.unsupported(`its option ${toSnakeCase(key)} cannot be exported yet`);
  }
  if (GELU_NEW.has(config.get("activation"))) {
    throw config.unsupported("its activation gelu_new cannot be exported yet");
  }
}

/** Returns a name that Keras takes for a layer. */
function layerName(name: string): string {
  return name.replaceAll("/", "_");
}

/**
 * Returns the name of a weight as Keras gives it, behind that of its layer.
 *
 * @param name Name of the weight in the manifest.
 */
export function kerasWeightName(layer: string, name: string): string {
  const own = name.slice(name.lastIndexOf("/") + 1);
  return `${layerName(layer)}/${own === "depthwise_kernel" ? "kernel" : own}`;
}

/**
 * Describes a model as Keras 3 does: its layers with the tensors that they take.
 *
 * @param topology Layers of a model that the native engine reads.
 * @throws {UnsupportedModelError} If a layer cannot be exported.
 */
export function kerasConfig(topology: Readonly<Record<string, unknown>>): Options {
  const { layers, inputShape } = readTopology(topology);
  const shapes: Shape[] = [];
  const described = layers.map(({ config, inputs }) => {
    const from = inputs.map((input) => shapes[input] ?? []);
    const shape = LAYERS.get(config.className)?.(config, from).shape ?? inputShape;
    shapes.push(shape);
    const tensors = inputs.map((input) => ({
      class_name: "__keras_tensor__",
      config: {
        shape: [null, ...shapes[input] ?? []],
        dtype: "float32",
        keras_history: [layerName(layers[input]?.config.name ?? ""), 0, 0],
      },
    }));
    const args = config.className === "Add" ? [tensors] : tensors;
    return {
      ...describe(config, inputShape),
      name: layerName(config.name),
      inbound_nodes: inputs.length === 0 ? [] : [{ args, kwargs: {} }],
    };
  });
  const ends = [described[0], described.at(-1)].map((layer) => [layer?.name ?? "", 0, 0]);
  return {
    module: "keras.src.models.functional",
    class_name: "Functional",
    registered_name: "Functional",
    config: {
      name: "fedlab",
      trainable: true,
      layers: described,
      input_layers: [ends[0]],
      output_layers: [ends[1]],
    },
  };
}

function describe(config: Config, inputShape: Shape): Options {
  const { className, name } = config;
  checkLayer(config);
  const fields = className === "InputLayer"
    ? { batch_shape: [null, ...inputShape], dtype: "float32" }
    : optionsOf(config);
  return {
    module: "keras.layers",
    class_name: className,
    registered_name: null,
    config: { name: layerName(name), ...fields },
  };
}

function optionsOf(config: Config): Record<string, unknown> {
  const options: Record<string, unknown> = {
    trainable: config.get("trainable") ?? true,
  };
  for (const [key, fallback] of Object.entries(OPTIONS[config.className] ?? {})) {
    const value = config.get(key) ?? fallback;
    if (value === undefined) continue;
    // Keras 3 has another name for the slope below zero.
    options[key === "alpha" ? "negative_slope" : toSnakeCase(key)] = key === "targetShape"
      ? (value as unknown[]).map((size) => size ?? -1)
      : value;
  }
  return options;
}

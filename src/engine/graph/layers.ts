import type { Config } from "./config.ts";
import type { Layer, ParameterRole, Shape } from "./graph.ts";
import { convolution, convolution1d, globalPooling, pooling } from "./image_layers.ts";
import {
  activation,
  BIAS,
  KERNEL,
  lastOf,
  type LayerPlan,
  onlyInput,
  type Reader,
  weight,
} from "./layer_plan.ts";
import { bidirectional, recurrent } from "./recurrent_layers.ts";
import { reshape, sizeOf } from "./shapes.ts";

function dense(config: Config, inputs: readonly Shape[]): LayerPlan {
  const shape = onlyInput(config, inputs), width = lastOf(config, shape);
  const units = config.count("units"), useBias = config.boolean("useBias", true);
  return {
    operations: [{ type: "dense", units, useBias }, ...activation(config)],
    shape: [...shape.slice(0, -1), units],
    weights: [
      weight(config, "kernel", [width, units], KERNEL),
      ...useBias ? [weight(config, "bias", [units], BIAS)] : [],
    ],
  };
}

function batchNorm(config: Config, inputs: readonly Shape[]): LayerPlan {
  const shape = onlyInput(config, inputs), size = lastOf(config, shape);
  checkLastAxis(config, shape);
  config.only("renorm", false);
  const center = config.boolean("center", true), scale = config.boolean("scale", true);
  const frozen = !config.boolean("trainable", true);
  const momentum = config.number("momentum", 0.99), epsilon = config.number("epsilon", 1e-3);
  const moving = (role: ParameterRole, name: string, fallback: string) =>
    weight(config, role, [size], {
      name,
      option: `${role}Initializer`,
      fallback,
      trainable: false,
    });
  return {
    operations: [{ type: "batchNorm", momentum, epsilon, center, scale, frozen }],
    shape,
    weights: [
      ...scale ? [weight(config, "gamma", [size], { fallback: "ones" })] : [],
      ...center ? [weight(config, "beta", [size], { fallback: "zeros" })] : [],
      moving("movingMean", "moving_mean", "zeros"),
      moving("movingVariance", "moving_variance", "ones"),
    ],
  };
}

function layerNorm(config: Config, inputs: readonly Shape[]): LayerPlan {
  const shape = onlyInput(config, inputs), size = lastOf(config, shape);
  checkLastAxis(config, shape);
  const center = config.boolean("center", true), scale = config.boolean("scale", true);
  const epsilon = config.number("epsilon", 1e-3);
  return {
    operations: [{ type: "layerNorm", epsilon, center, scale }],
    shape,
    weights: [
      ...scale ? [weight(config, "gamma", [size], { fallback: "ones" })] : [],
      ...center ? [weight(config, "beta", [size], { fallback: "zeros" })] : [],
    ],
  };
}

/** Checks that the layer normalizes over the last axis. */
function checkLastAxis(config: Config, shape: Shape): void {
  const axis = config.get("axis") ?? -1;
  const axes: unknown[] = Array.isArray(axis) ? axis : [axis];
  if (axes.length !== 1 || (axes[0] !== -1 && axes[0] !== shape.length)) {
    throw config.unsupported(`axis ${JSON.stringify(axis)} is not the last one`);
  }
}

function embedding(config: Config, inputs: readonly Shape[]): LayerPlan {
  const shape = onlyInput(config, inputs);
  const inputDim = config.count("inputDim"), outputDim = config.count("outputDim");
  const given = config.get("inputLength");
  if (given !== undefined) {
    const lengths: unknown[] = Array.isArray(given) ? given : [given];
    if (
      lengths.length !== shape.length ||
      lengths.some((size, i) => size != null && size !== shape[i])
    ) {
      throw config.malformed(
        `input_length ${JSON.stringify(given)} is not that of samples of shape [${shape}]`,
      );
    }
  }
  return {
    operations: [{
      type: "embedding",
      inputDim,
      outputDim,
      maskZero: config.boolean("maskZero", false),
    }],
    shape: [...shape, outputDim],
    weights: [
      weight(config, "embeddings", [inputDim, outputDim], { fallback: "randomUniform" }),
    ],
  };
}

function pointwise(operation: (config: Config, shape: Shape) => Layer[]): Reader {
  return (config, inputs) => {
    const shape = onlyInput(config, inputs);
    return { operations: operation(config, shape), shape, weights: [] };
  };
}

/** Layer classes that the engine knows, except InputLayer. */
export const LAYERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["Dense", dense],
  ["Conv1D", convolution1d],
  ["Conv2D", convolution],
  ["DepthwiseConv2D", convolution],
  ["MaxPooling2D", pooling],
  ["AveragePooling2D", pooling],
  ["GlobalAveragePooling1D", globalPooling],
  ["GlobalAveragePooling2D", globalPooling],
  ["BatchNormalization", batchNorm],
  ["LayerNormalization", layerNorm],
  ["Embedding", embedding],
  ["LSTM", recurrent],
  ["GRU", recurrent],
  ["SimpleRNN", recurrent],
  ["Bidirectional", bidirectional],
  ["Flatten", (config, inputs) => {
    const shape = onlyInput(config, inputs);
    if (shape.length < 2) {
      throw config.malformed(`expected samples of two axes or more, got [${shape}]`);
    }
    config.only("dataFormat", "channelsLast");
    return { operations: [{ type: "reshape" }], shape: [sizeOf(shape)], weights: [] };
  }],
  ["Reshape", (config, inputs) => ({
    operations: [{ type: "reshape" }],
    shape: reshape(config, onlyInput(config, inputs)),
    weights: [],
  })],
  [
    "Dropout",
    pointwise((config) => {
      config.only("noiseShape");
      const rate = Math.max(0, config.number("rate"));
      // tfjs drops nothing where it would drop everything.
      return [{ type: "dropout", rate: rate < 1 ? rate : 0 }];
    }),
  ],
  ["Activation", pointwise((config) => activation(config))],
  [
    "ReLU",
    pointwise((config) => {
      config.only("maxValue");
      config.only("negativeSlope", 0);
      config.only("threshold", 0);
      return [{ type: "activation", name: "relu", alpha: 0 }];
    }),
  ],
  [
    "LeakyReLU",
    pointwise((config) => {
      config.only("negativeSlope");
      return [{ type: "activation", name: "leakyRelu", alpha: config.number("alpha", 0.3) }];
    }),
  ],
  [
    "Softmax",
    pointwise((config, shape) => {
      // The default of tfjs is the first axis after the batch.
      const axis = config.get("axis") ?? 1;
      if (axis !== -1 && axis !== shape.length) {
        throw config.unsupported(`axis ${JSON.stringify(axis)} is not the last one`);
      }
      return [{ type: "activation", name: "softmax", alpha: 0 }];
    }),
  ],
  ["Add", (config, inputs) => {
    const [first, ...others] = inputs;
    if (!first || others.length === 0) {
      throw config.malformed(`expected two inputs or more, got ${inputs.length}`);
    }
    if (others.some((shape) => shape.join() !== first.join())) {
      throw config.unsupported("inputs of different shapes have no kernel");
    }
    return { operations: [{ type: "add" }], shape: first, weights: [] };
  }],
]);

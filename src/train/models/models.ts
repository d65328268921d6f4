/**
 * Built-in models: descriptions that a server sends and a client builds. They do not load tfjs.
 *
 * @module
 */

import type { Dataset } from "../../data/dataset.ts";
import type { Task } from "../../data/schema/schema.ts";
import type { LossName, ModelDescription } from "../handler.ts";
import { checkSize, headOf } from "./head.ts";

/** Options of every built-in model. */
export interface ModelOptions {
  /** Shape of one sample, such as `[64]` or `[28, 28, 1]`. */
  inputShape: readonly number[];
  /**
   * Number of classes, which is the number of logits; at least 2. Needed for the task
   * classification alone.
   */
  numClasses?: number;
  /**
   * Task. The loss is `softmaxCrossEntropy` for classification, `sigmoidCrossEntropy` for
   * multi-label, `meanSquaredError` for regression, unless {@linkcode ModelOptions.loss} says
   * otherwise.
   *
   * @default {"classification"}
   */
  task?: Task;
  /**
   * Number of labels or measures, which is the number of outputs; at least 1. It counts for the
   * tasks multi-label and regression.
   *
   * @default {1}
   */
  outputs?: number;
  /**
   * Loss on the linear outputs: for classification `softmaxCrossEntropy`, or `sigmoidCrossEntropy`
   * for two classes, whose model then has one output; for regression `meanSquaredError`,
   * `meanAbsoluteError` or `huber`.
   */
  loss?: LossName;
}

/** Returns the options of a model for the shape, the task and the targets of the data. */
export function modelOptionsOf(
  { shape, task, numClasses, outputs }: Pick<Dataset, "shape" | "task" | "numClasses" | "outputs">,
): ModelOptions {
  const options = { inputShape: shape, task };
  return task === "classification" ? { ...options, numClasses } : { ...options, outputs };
}

/** Options of {@linkcode mlp}. */
export interface MlpOptions extends ModelOptions {
  /**
   * Number of units of the hidden layer.
   *
   * @default {64}
   */
  hiddenUnits?: number;
}

type Config = Record<string, unknown>;

interface LayerConfig {
  class_name: string;
  config: Config;
}

function checkShape(inputShape: readonly number[]): void {
  if (inputShape.length === 0) {
    throw new RangeError(
      "Cannot describe the model: expected an input shape of at least one dimension, got []",
    );
  }
  for (const size of inputShape) checkSize("dimensions of the input shape", size, 1);
}

const INITIALIZERS: Config = {
  kernel_initializer: { class_name: "GlorotUniform", config: {} },
  bias_initializer: { class_name: "Zeros", config: {} },
};

/**
 * Describes a model: given layers, then dense ones, the hidden ones with ReLU, the last one linear.
 */
function layered(
  name: string,
  options: ModelOptions,
  ownLayers: readonly LayerConfig[],
  hiddenLayers: readonly { name: string; units: number }[],
): ModelDescription {
  const { inputShape } = options, head = headOf(options);
  checkShape(inputShape);
  for (const { units } of hiddenLayers) checkSize("a number of hidden units", units, 1);

  const layers = [...ownLayers];
  if (inputShape.length > 1) layers.push({ class_name: "Flatten", config: { name: "flatten" } });
  for (const { name, units } of [...hiddenLayers, head]) {
    const activation = name === head.name ? "linear" : "relu";
    layers.push({
      class_name: "Dense",
      config: { name, units, activation, use_bias: true, ...INITIALIZERS },
    });
  }
  const [first, ...others] = layers;
  const input = { batch_input_shape: [null, ...inputShape] };
  return {
    format: "tfjs-layers",
    topology: {
      class_name: "Sequential",
      config: {
        name,
        layers: first ? [{ ...first, config: { ...first.config, ...input } }, ...others] : others,
      },
    },
    loss: head.loss,
  };
}

/**
 * Describes multinomial logistic regression: one dense layer from the flattened input to the
 * logits. For the task regression it is linear regression.
 *
 * @throws {RangeError} If the shape is empty or a size is not an integer in range.
 */
export function logisticRegression(options: ModelOptions): ModelDescription {
  return layered("lr", options, [], []);
}

/**
 * Describes a multilayer perceptron with one hidden layer of ReLU units.
 *
 * @throws {RangeError} If the shape is empty or a size is not an integer in range.
 *
 * @example
 * ```ts
 * import { mlp } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(mlp({ inputShape: [8, 8, 1], numClasses: 10 }).loss, "softmaxCrossEntropy");
 * ```
 */
export function mlp(options: MlpOptions): ModelDescription {
  const hidden = { name: "hidden", units: options.hiddenUnits ?? 64 };
  return layered("mlp", options, [], [hidden]);
}

/**
 * Describes the 2NN of McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from
 * Decentralized Data", section 3: two hidden layers of 200 ReLU units; 199,210 parameters on MNIST.
 *
 * @throws {RangeError} If the shape is empty or a size is not an integer in range.
 */
export function twoNN(options: ModelOptions): ModelDescription {
  return layered("2nn", options, [], [
    { name: "hidden1", units: 200 },
    { name: "hidden2", units: 200 },
  ]);
}

/**
 * Describes the CNN of McMahan et al. 2017, section 3: 5x5 convolutions of 32 and 64 channels, each
 * with 2x2 max pooling, then 512 ReLU units; 1,663,370 parameters on MNIST. The input shape is
 * `[height, width, channels]`.
 *
 * @throws {RangeError} If the shape has another number of dimensions, the image is smaller than
 * 4x4, or a size is not an integer in range.
 */
export function cnn(options: ModelOptions): ModelDescription {
  const [height = 0, width = 0] = options.inputShape;
  if (options.inputShape.length !== 3 || height < 4 || width < 4) {
    throw new RangeError(
      "Cannot describe the model: expected an input shape of height, width and channels, at least 4x4, " +
        `got [${options.inputShape.join(", ")}]`,
    );
  }
  const blocks = [32, 64].flatMap((filters, i): LayerConfig[] => [
    {
      class_name: "Conv2D",
      config: {
        name: `conv${i + 1}`,
        filters,
        kernel_size: [5, 5],
        strides: [1, 1],
        padding: "same",
        activation: "relu",
        use_bias: true,
        ...INITIALIZERS,
      },
    },
    {
      class_name: "MaxPooling2D",
      config: { name: `pool${i + 1}`, pool_size: [2, 2], strides: [2, 2], padding: "valid" },
    },
  ]);
  return layered("cnn", options, blocks, [{ name: "hidden", units: 512 }]);
}

const MODELS: ReadonlyMap<string, (options: ModelOptions) => ModelDescription> = new Map([
  ["lr", logisticRegression],
  ["mlp", mlp],
  ["2nn", twoNN],
  ["cnn", cnn],
]);

/** Names of the built-in models, for {@linkcode modelByName}. */
export const MODEL_NAMES: readonly string[] = [...MODELS.keys()];

/**
 * Describes the built-in model of a name: `"lr"`, `"mlp"`, `"2nn"` or `"cnn"`.
 *
 * @throws {RangeError} If the name is unknown; the message lists the known ones.
 */
export function modelByName(name: string, options: ModelOptions): ModelDescription {
  const describe = MODELS.get(name);
  if (!describe) {
    throw new RangeError(
      `Cannot find the model: expected one of ${MODEL_NAMES.join(", ")}, got ${
        JSON.stringify(name)
      }`,
    );
  }
  return describe(options);
}

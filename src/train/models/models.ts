/**
 * Built-in models: descriptions that a server sends and a client builds. They do not load tfjs.
 *
 * @module
 */

import { didYouMean } from "../../base/did_you_mean.ts";
import { ENCODER_MODELS, encoderByName, isEncoderModel } from "./encoder/by_name.ts";
import type { ModelDescription } from "../handler.ts";
import { checkSize, headOf } from "./head.ts";
import { isLanguageModel, LANGUAGE_MODELS, languageModelByName } from "./language_by_name.ts";
import { initializers, initOf } from "./initial_weights.ts";
import type { ModelOptions } from "./model_options.ts";

export {
  INIT_NAMES,
  type InitName,
  type ModelData,
  type ModelOptions,
  modelOptionsOf,
} from "./model_options.ts";

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

  const init = initOf(name, options, ownLayers.length + hiddenLayers.length > 0);
  const layers = [...ownLayers];
  if (inputShape.length > 1) layers.push({ class_name: "Flatten", config: { name: "flatten" } });
  for (const { name, units } of [...hiddenLayers, head]) {
    const activation = name === head.name ? "linear" : "relu";
    layers.push({
      class_name: "Dense",
      config: { name, units, activation, use_bias: true, ...initializers(init) },
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
 * logits. For the task regression it is linear regression. Its weights start from zeros unless
 * {@linkcode ModelOptions.init} says otherwise: its loss has no other minimum than the lowest.
 *
 * @throws {RangeError} If the shape is empty, a size is not an integer in range, or the initial
 * weights are unknown or do not suit the model.
 */
export function logisticRegression(options: ModelOptions): ModelDescription {
  return layered("lr", options, [], []);
}

/**
 * Describes a multilayer perceptron with one hidden layer of ReLU units.
 *
 * @throws {RangeError} If the shape is empty, a size is not an integer in range, or the initial
 * weights are unknown or do not suit the model.
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
 * @throws {RangeError} If the shape is empty, a size is not an integer in range, or the initial
 * weights are unknown or do not suit the model.
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
 * 4x4, a size is not an integer in range, or the initial weights are zeros.
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
        ...initializers("glorot"),
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
export const MODEL_NAMES: readonly string[] = [
  ...MODELS.keys(),
  ...LANGUAGE_MODELS,
  ...ENCODER_MODELS,
];

/**
 * Describes the built-in model of a name: `"lr"`, `"mlp"`, `"2nn"`, `"cnn"`, or for sequences
 * `"lstm"` or `"gru"`, which options may follow as in `"lstm:layers=1,units=128"`, or for tokens of
 * texts `"minilm"`, as in `"minilm:layers=2,rank=8"`.
 *
 * @throws {RangeError} If the name is unknown, in a message that lists the known ones, or the model
 * does not go with the data. The other errors are those of the functions of the models.
 */
export function modelByName(name: string, options: ModelOptions): ModelDescription {
  if (isLanguageModel(name)) return languageModelByName(name, options);
  if (isEncoderModel(name)) return encoderByName(name, options);
  const describe = MODELS.get(name);
  if (!describe) {
    throw new RangeError(
      `Cannot find the model: expected one of ${MODEL_NAMES.join(", ")}, got ${
        JSON.stringify(name)
      }${didYouMean(name, MODEL_NAMES)}`,
    );
  }
  const { steps, tokenizer } = options;
  if (tokenizer !== undefined) {
    throw new RangeError(
      `Cannot describe the model: expected ${
        ENCODER_MODELS.join(" or ")
      } on a pretrained base (option base, --base) for tokens of texts, got ${name}`,
    );
  }
  if (steps !== undefined) {
    throw new RangeError(
      `Cannot describe the model: expected ${
        LANGUAGE_MODELS.join(" or ")
      } for sequences with a class at each of ${steps} steps, got ${name}`,
    );
  }
  return describe(options);
}

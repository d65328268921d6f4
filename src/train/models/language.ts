/**
 * Language models of symbols: recurrent layers that predict the next symbol at each step.
 *
 * @module
 */

import type { ModelDescription } from "../handler.ts";
import { checkSize } from "./head.ts";

/** Options of {@linkcode languageModel}. */
export interface LanguageModelOptions {
  /** Number of symbols of the vocabulary, that of the padding included. */
  readonly symbols: number;
  /** Number of steps of a sequence. */
  readonly steps: number;
  /**
   * Kind of the recurrent layers. A GRU resets the product with the state, as in Keras 2 and
   * PyTorch.
   *
   * @default {"lstm"}
   */
  readonly cell?: "lstm" | "gru";
  /**
   * Number of recurrent layers.
   *
   * @default {2}
   */
  readonly layers?: number;
  /**
   * Number of units of a recurrent layer.
   *
   * @default {256}
   */
  readonly units?: number;
  /**
   * Number of values that stand for a symbol.
   *
   * @default {8}
   */
  readonly embedding?: number;
  /**
   * Bound of the uniform distribution of the initial embedding. The default of Keras, 0.05, learns
   * slowly at first with so few values for a symbol.
   *
   * @default {1}
   */
  readonly embeddingBound?: number;
  /**
   * True if the gates of an LSTM see its cell.
   *
   * @default {false}
   */
  readonly peepholes?: boolean;
}

/**
 * Describes the language model of McMahan et al. 2017, section 3: an embedding of 8 values, two
 * LSTM layers of 256 units, and a dense layer to the logits of the next symbol. With 258 symbols
 * and peepholes it has the 866,578 parameters that the paper states.
 *
 * The input are numbers of symbols `[steps]`, the output is `[steps, symbols]`. Zeros are padding,
 * whose steps have no label.
 *
 * @throws {RangeError} If a size is out of range.
 *
 * @example
 * ```ts
 * import { languageModel } from "@fedlab/core/train";
 * import { initialParameters } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const model = languageModel({ symbols: 258, steps: 80, peepholes: true });
 * const { manifest } = await initialParameters(model, 1);
 * assertEquals(manifest.length, 866_578);
 * ```
 */
export function languageModel(
  {
    symbols,
    steps,
    cell = "lstm",
    layers = 2,
    units = 256,
    embedding = 8,
    embeddingBound = 1,
    peepholes = false,
  }: LanguageModelOptions,
): ModelDescription {
  checkSize("a number of symbols", symbols, 2);
  checkSize("a number of steps", steps, 1);
  checkSize("a number of layers", layers, 1);
  checkSize("a number of units", units, 1);
  checkSize("a size of the embedding", embedding, 1);
  const bound = { minval: -embeddingBound, maxval: embeddingBound };
  const recurrent = {
    units,
    return_sequences: true,
    recurrent_activation: "sigmoid",
    kernel_initializer: "glorotUniform",
    ...cell === "lstm"
      ? { unit_forget_bias: true, ...peepholes && { peepholes } }
      : { reset_after: true },
  };
  return {
    format: "tfjs-layers",
    topology: {
      class_name: "Sequential",
      config: {
        name: cell,
        layers: [
          {
            class_name: "Embedding",
            config: {
              name: "embedding",
              batch_input_shape: [null, steps],
              input_dim: symbols,
              output_dim: embedding,
              embeddings_initializer: { class_name: "RandomUniform", config: bound },
            },
          },
          ...Array.from({ length: layers }, (_, i) => ({
            class_name: cell === "lstm" ? "LSTM" : "GRU",
            config: { name: `${cell}${i + 1}`, ...recurrent },
          })),
          {
            class_name: "Dense",
            config: { name: "logits", units: symbols, kernel_initializer: "glorotUniform" },
          },
        ],
      },
    },
    loss: "softmaxCrossEntropy",
  };
}

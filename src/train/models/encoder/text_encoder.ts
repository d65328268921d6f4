/**
 * Descriptions of models on a pretrained encoder of texts.
 *
 * @module
 */

import { isRecord } from "../../../base/json.ts";
import type { LossName, ModelDescription } from "../../handler.ts";
import type { Adapters, EncoderModel, EncoderShape } from "./encoder_model.ts";
import { parseEncoderModel } from "./parse.ts";

/** Pretrained encoder: its file, its sizes, and the tokenizer of its texts. */
export type EncoderOfFile = Pick<EncoderModel, "base" | "encoder" | "tokenizer">;

/**
 * `all-MiniLM-L6-v2` of Sentence Transformers: six layers of width 384, 22.6 million parameters, in
 * a file of 90.9 MB.
 */
export const ALL_MINILM_L6_V2: EncoderOfFile = {
  base: {
    sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    bytes: 90_868_376,
    format: "safetensors",
  },
  encoder: {
    architecture: "bert",
    vocabulary: 30_522,
    positions: 512,
    width: 384,
    layers: 6,
    heads: 12,
    inner: 1536,
    epsilon: 1e-12,
    activation: "gelu",
  },
  tokenizer: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
};

/** Options of {@linkcode lora}. */
export interface LoraOptions extends Partial<Omit<Adapters, "layers">> {
  /** Layers of the encoder, from 0, or the number of its last layers. Default: all of them. */
  readonly layers?: readonly number[] | number;
}

/**
 * Describes low-rank adapters (Hu et al. 2022). By default they are of rank 8 and alpha 16, on
 * query and value of all layers, and both matrices are trained.
 */
export function lora(
  { rank = 8, alpha = 16, targets = ["query", "value"], layers, train = "AB" }: LoraOptions = {},
): (encoder: EncoderShape) => Adapters {
  return ({ layers: count }) => ({
    rank,
    alpha,
    targets,
    layers: Array.isArray(layers) ? layers : lastOf(count, layers),
    train,
  });
}

function lastOf(count: number, last: unknown): number[] {
  const most = typeof last === "number" ? last : count;
  return Array.from({ length: most }, (_, i) => count - most + i);
}

/** Options of {@linkcode textEncoder}. */
export interface TextEncoderOptions extends EncoderOfFile {
  /** Number of classes: the units of the head. */
  readonly numClasses: number;
  /**
   * Adapters, as {@linkcode lora} describes them. Without, the head alone is trained.
   */
  readonly adapters?: ReturnType<typeof lora>;
  /**
   * Most tokens of a text.
   *
   * @default {128}
   */
  readonly maxTokens?: number;
  /**
   * Vector of a text: the mean of its tokens' or that of its first token.
   *
   * @default {"mean"}
   */
  readonly pooling?: EncoderModel["pooling"];
  /**
   * Precision in which outputs of layers that are not trained are kept.
   *
   * @default {"float32"}
   */
  readonly features?: NonNullable<EncoderModel["features"]>;
  /**
   * Loss on the outputs of the head.
   *
   * @default {"softmaxCrossEntropy"}
   */
  readonly loss?: LossName;
}

/**
 * Describes a model of texts: a head, and adapters, on a pretrained encoder that every client of
 * the run holds. The parameters are adapters and head alone. Rows of the data are token ids
 * `[maxTokens]`, whose end is filled with zeros.
 *
 * @throws {TypeError} If a size is out of range; the message names it.
 *
 * @example Adapters of the last two layers, and a head for 77 intents
 * ```ts
 * import { initialParameters } from "@fedlab/core";
 * import { ALL_MINILM_L6_V2, lora, textEncoder } from "@fedlab/core/encoder";
 * import { assertEquals } from "@std/assert";
 *
 * const model = textEncoder({
 *   ...ALL_MINILM_L6_V2,
 *   numClasses: 77,
 *   adapters: lora({ layers: 2 }),
 * });
 * const { manifest } = await initialParameters(model, 1);
 * assertEquals(manifest.length, 54_221);
 * ```
 */
export function textEncoder(
  {
    base,
    encoder,
    tokenizer,
    numClasses,
    adapters,
    maxTokens = 128,
    pooling = "mean",
    features,
    loss = "softmaxCrossEntropy",
  }: TextEncoderOptions,
): ModelDescription {
  const topology = {
    base,
    encoder,
    maxTokens: Math.min(maxTokens, encoder.positions),
    pooling,
    units: numClasses,
    ...tokenizer !== undefined && { tokenizer },
    ...adapters && { adapters: adapters(encoder) },
    ...features && { features },
  };
  return { format: "text-encoder", topology: { ...parseEncoderModel(topology) }, loss };
}

/**
 * Reads the sizes of an encoder from its `config.json`, as Hugging Face writes it.
 *
 * @throws {TypeError} If it is of another architecture, or a size is missing.
 */
export function encoderShapeOf(config: unknown): EncoderShape {
  const problem = "Cannot read the configuration of the encoder";
  if (!isRecord(config)) throw new TypeError(`${problem}: expected an object`);
  if (config.model_type !== "bert") {
    throw new TypeError(
      `${problem}: expected model_type "bert", got ${JSON.stringify(config.model_type)}`,
    );
  }
  const activation = { gelu: "gelu", gelu_new: "geluNew", gelu_pytorch_tanh: "geluNew" } as const;
  const name = config.hidden_act;
  if (typeof name !== "string" || !Object.hasOwn(activation, name)) {
    throw new TypeError(
      `${problem}: expected hidden_act to be one of ${Object.keys(activation).join(", ")}, got ${
        JSON.stringify(name)
      }`,
    );
  }
  const number = (key: string) => {
    const value = config[key];
    if (typeof value === "number") return value;
    throw new TypeError(`${problem}: expected ${key} to be a number, got ${JSON.stringify(value)}`);
  };
  return {
    architecture: "bert",
    vocabulary: number("vocab_size"),
    positions: number("max_position_embeddings"),
    width: number("hidden_size"),
    layers: number("num_hidden_layers"),
    heads: number("num_attention_heads"),
    inner: number("intermediate_size"),
    epsilon: number("layer_norm_eps"),
    activation: activation[name as keyof typeof activation],
  };
}

/**
 * Models on a pretrained encoder of texts, of which only adapters and a head are trained.
 *
 * @module
 */

/** Dense layers of an encoder's layer that an adapter can be added to. */
export const ADAPTER_TARGETS = ["query", "key", "value", "output", "ffn_in", "ffn_out"] as const;

/** Name of a dense layer that an adapter can be added to. */
export type AdapterTarget = typeof ADAPTER_TARGETS[number];

/** File of a pretrained model, which every client of a run holds. */
export interface BaseReference {
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256: string;
  /** Number of bytes of the file. */
  readonly bytes: number;
  /** Format of the file: safetensors with the names of Hugging Face's BERT. */
  readonly format: "safetensors";
  /** Addresses of the file. A client reads only from those that its application allows. */
  readonly mirrors?: readonly string[];
}

/** Sizes of a pretrained encoder: BERT (Devlin et al. 2019), with normalization after each sum. */
export interface EncoderShape {
  /** Kind of the encoder. */
  readonly architecture: "bert";
  /** Number of tokens of the vocabulary. */
  readonly vocabulary: number;
  /** Number of positions of a text. */
  readonly positions: number;
  /** Number of values of a token. */
  readonly width: number;
  /** Number of layers. */
  readonly layers: number;
  /** Number of heads of the attention, a divisor of the width. */
  readonly heads: number;
  /** Number of units of the hidden layer of the feed-forward part. */
  readonly inner: number;
  /** Epsilon of the layer normalizations. */
  readonly epsilon: number;
  /** Activation of the feed-forward part: GELU by the error function or by tanh. */
  readonly activation: "gelu" | "geluNew";
}

/** Low-rank adapters (LoRA, Hu et al. 2022): `y = x W + b + scale (x A^T) B^T`. */
export interface Adapters {
  /** Number of rows of `A` `[rank, inputs]` and of columns of `B` `[outputs, rank]`. */
  readonly rank: number;
  /** Numerator of the scale `alpha / rank`. */
  readonly alpha: number;
  /** Dense layers that have an adapter. */
  readonly targets: readonly AdapterTarget[];
  /** Layers of the encoder, from 0, whose targets have one. */
  readonly layers: readonly number[];
  /**
   * Matrices that are trained: both, `B` alone (FFA-LoRA, Sun et al. 2024), whose `A` stays as it
   * was drawn, or `B` in odd and `A` in even rounds (RoLoRA, Chen et al. 2024).
   */
  readonly train: "AB" | "B" | "alternate";
}

/** Topology of a description of the format `text-encoder`. */
export interface EncoderModel {
  /** File of the pretrained weights. */
  readonly base: BaseReference;
  /** Sizes of the encoder. */
  readonly encoder: EncoderShape;
  /** SHA-256 of the file of the tokenizer that the base was trained with. Default: any one. */
  readonly tokenizer?: string;
  /** Most tokens of a text. */
  readonly maxTokens: number;
  /** Vector of a text: the mean of its tokens' or that of its first token. */
  readonly pooling: "mean" | "cls";
  /** Number of output values: the logits of the classes. */
  readonly units: number;
  /** Adapters; without, the head alone is trained. */
  readonly adapters?: Adapters;
  /**
   * Precision in which the outputs of layers below all adapters are kept, computed once for each
   * text. That of vectors of texts is float32 in any case.
   *
   * @default {"float32"}
   */
  readonly features?: "float32" | "float16";
}

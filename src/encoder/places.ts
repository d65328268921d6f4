import type { Pointer } from "../params/instance.ts";
import type { EngineExports } from "../engine/kernels.ts";
import type { AdapterTarget, EncoderShape } from "../train/models/encoder/encoder_model.ts";

/** Bytes of a float32 value, and of an int32 one. */
export const BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Most texts that are computed at once. */
export const MOST_TEXTS = 256;

/** Dense layer of the base: `w` `[inputs, outputs]` and `b` `[outputs]`. */
export interface DensePlaces {
  readonly w: Pointer;
  readonly b: Pointer;
  readonly inputs: number;
  readonly outputs: number;
}

/** Layer normalization of the base. */
export interface NormPlaces {
  readonly gamma: Pointer;
  readonly beta: Pointer;
}

/** Weights of a layer of the base. Query, key and value are one product, `[width, 3 width]`. */
export interface LayerPlaces {
  readonly qkv: DensePlaces;
  readonly output: DensePlaces;
  readonly norm1: NormPlaces;
  readonly ffnIn: DensePlaces;
  readonly ffnOut: DensePlaces;
  readonly norm2: NormPlaces;
}

/** Adapter of a dense layer in memory. Places are 0 for gradients that are not wanted. */
export interface AdapterPlaces {
  readonly a: Pointer;
  readonly b: Pointer;
  readonly da: Pointer;
  readonly db: Pointer;
  readonly rank: number;
  readonly scale: number;
}

/** Adapters of a layer, by their target. */
export type LayerAdapters = Readonly<Partial<Record<AdapterTarget, AdapterPlaces>>>;

/** Values of the tokens of a batch in a layer; those that the backward pass reads are kept. */
export interface LayerValues {
  /** Queries, keys and values, `[tokens, 3, heads, width / heads]`. */
  readonly qkv: Pointer;
  /** Shares of the attention. */
  readonly shares: Pointer;
  /** Output of the attention, `[tokens, width]`. */
  readonly attended: Pointer;
  /** Sum before each normalization, `[tokens, width]`, and its mean and deviation. */
  readonly sum1: Pointer;
  readonly saved1: Pointer;
  readonly sum2: Pointer;
  readonly saved2: Pointer;
  /** Output of the first normalization. */
  readonly hidden: Pointer;
  /** Hidden layer of the feed-forward part before and after its activation, `[tokens, inner]`. */
  readonly wide: Pointer;
  readonly active: Pointer;
  /** Output of the layer, `[tokens, width]`. */
  readonly output: Pointer;
  /** Inner values of the adapters, `[tokens, rank]`. */
  readonly low: Readonly<Partial<Record<AdapterTarget, Pointer>>>;
}

/** Memory that all layers share. */
export interface SharedValues {
  /** Gradients, `[tokens, width]` each. */
  readonly gradient: Pointer;
  readonly sumGradient: Pointer;
  /** Gradient of the hidden layer, or that of queries, keys and values. */
  readonly wideGradient: Pointer;
  /** Gradient of the inner values of an adapter. */
  readonly lowGradient: Pointer;
  readonly scratch: Pointer;
}

/** Packed texts of a batch. */
export interface Batch {
  /** Number of texts. */
  texts: number;
  /** Number of tokens of all texts. */
  tokens: number;
  /** Number of tokens of the longest text. */
  longest: number;
}

/** Kernels, sizes and batch of a program. */
export interface Machine {
  readonly exports: EngineExports;
  readonly shape: EncoderShape;
  /** Place of the first row of each text of the batch, then the number of rows. */
  readonly starts: Pointer;
  readonly shared: SharedValues;
  readonly batch: Batch;
}

/** Allocates memory for `values` values. */
export type Alloc = (values: number) => Pointer;

/** Most tokens that are computed at once: those of the longest text, or of several short ones. */
export function mostTokens({ positions }: EncoderShape): number {
  return Math.max(512, positions);
}

/** Lays out the values of a layer. */
export function placeLayer(
  shape: EncoderShape,
  alloc: Alloc,
  output: Pointer,
  ranks: Readonly<Partial<Record<AdapterTarget, number>>> = {},
): LayerValues {
  const { width, heads, inner, positions } = shape, tokens = mostTokens(shape);
  const low: Partial<Record<AdapterTarget, Pointer>> = {};
  for (const [target, rank] of Object.entries(ranks)) {
    low[target as AdapterTarget] = alloc(tokens * rank);
  }
  return {
    qkv: alloc(tokens * 3 * width),
    shares: alloc(tokens * heads * positions),
    attended: alloc(tokens * width),
    sum1: alloc(tokens * width),
    saved1: alloc(tokens * 2),
    sum2: alloc(tokens * width),
    saved2: alloc(tokens * 2),
    hidden: alloc(tokens * width),
    wide: alloc(tokens * inner),
    active: alloc(tokens * inner),
    output,
    low,
  };
}

/** Lays out the memory that all layers share, for adapters of at most a rank. */
export function placeShared(
  exports: EngineExports,
  shape: EncoderShape,
  alloc: Alloc,
  rank: number,
): SharedValues {
  const { width, heads, inner, positions } = shape, tokens = mostTokens(shape);
  const wide = Math.max(inner, 3 * width), depth = width / heads;
  return {
    gradient: alloc(tokens * width),
    sumGradient: alloc(tokens * width),
    wideGradient: alloc(tokens * wide),
    lowGradient: alloc(tokens * rank),
    scratch: alloc(Math.max(
      exports.dense_forward_scratch(wide),
      exports.dense_input_scratch(wide),
      exports.attention_forward_scratch(depth, positions),
      exports.attention_backward_scratch(depth, positions),
      exports.lora_forward_scratch(wide, wide, rank),
    )),
  };
}

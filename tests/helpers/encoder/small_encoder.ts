import { Random } from "../../../src/base/random.ts";
import type { BaseWeights } from "../../../src/encoder/base_weights.ts";
import type {
  EncoderModel,
  EncoderShape,
} from "../../../src/train/models/encoder/encoder_model.ts";
import { f32, type RawTensor, safetensorsOf } from "../safetensors.ts";
import { weightsOf } from "./weights_file.ts";

/** Sizes of a small encoder. */
export const SMALL: EncoderShape = {
  architecture: "bert",
  vocabulary: 23,
  positions: 12,
  width: 8,
  layers: 3,
  heads: 2,
  inner: 12,
  epsilon: 1e-5,
  activation: "gelu",
};

/** File of a small encoder with random weights, in the layout of Hugging Face's BERT. */
export function smallFile(seed = 1, shape = SMALL): Uint8Array<ArrayBuffer> {
  const random = new Random(seed, "test"), { width, inner } = shape;
  const tensors: Record<string, RawTensor> = {};
  const add = (name: string, sizes: number[], spread: number, middle = 0) => {
    const length = sizes.reduce((product, size) => product * size, 1);
    const values = Array.from({ length }, () => middle + spread * random.normal());
    tensors[name] = f32(sizes, values);
  };
  const dense = (name: string, inputs: number, outputs: number) => {
    add(`${name}.weight`, [outputs, inputs], 1 / Math.sqrt(inputs));
    add(`${name}.bias`, [outputs], 0.2);
  };
  const norm = (name: string) => {
    add(`${name}.LayerNorm.weight`, [width], 0.2, 1);
    add(`${name}.LayerNorm.bias`, [width], 0.2);
  };
  add("embeddings.word_embeddings.weight", [shape.vocabulary, width], 1);
  add("embeddings.position_embeddings.weight", [shape.positions, width], 0.5);
  add("embeddings.token_type_embeddings.weight", [2, width], 0.5);
  norm("embeddings");
  for (let i = 0; i < shape.layers; i++) {
    const at = `encoder.layer.${i}`;
    for (const part of ["query", "key", "value"]) {
      dense(`${at}.attention.self.${part}`, width, width);
    }
    dense(`${at}.attention.output.dense`, width, width);
    norm(`${at}.attention.output`);
    dense(`${at}.intermediate.dense`, width, inner);
    dense(`${at}.output.dense`, inner, width);
    norm(`${at}.output`);
  }
  return safetensorsOf(tensors);
}

/** Weights of the small encoder. */
export function smallWeights(seed = 1, shape = SMALL): Promise<BaseWeights> {
  return weightsOf(smallFile(seed, shape));
}

/** Topology of a model on the small encoder. */
export function smallModel(
  { reference: { sha256, bytes } }: BaseWeights,
  more: Partial<EncoderModel> = {},
): EncoderModel {
  return {
    base: { sha256, bytes, format: "safetensors" },
    encoder: SMALL,
    maxTokens: 10,
    pooling: "mean",
    units: 4,
    ...more,
  };
}

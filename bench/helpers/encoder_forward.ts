import { BaseMemory } from "../../src/encoder/base_memory.ts";
import { EncoderProgram } from "../../src/encoder/encoder_program.ts";
import { ALL_MINILM_L6_V2 } from "../../src/train/models/encoder/text_encoder.ts";

/** Sizes of all-MiniLM-L6-v2. */
export const MINILM = ALL_MINILM_L6_V2.encoder;

/**
 * Tokens of the texts of a batch. Their mean, 16, and their longest, 46, are those of random batches
 * of 32 texts of BANKING77.
 */
export const LENGTHS: readonly number[] = [
  ...[46, 31, 27, 24, 22, 20, 19, 18, 17, 16, 16, 15, 15, 15, 14, 14],
  ...[14, 13, 13, 13, 12, 12, 12, 12, 11, 11, 11, 10, 10, 9, 9, 9],
];

/** Counts the floating-point operations of the dense layers for the tokens of texts. */
export function encoderOperations(lengths: readonly number[]): number {
  const { width, inner, layers } = MINILM;
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  return 2 * tokens * layers * (4 * width * width + 2 * width * inner);
}

/** Makes a function that computes the vectors of texts on an encoder with random weights. */
export function encoderForward(lengths: readonly number[]): () => void {
  const base = new BaseMemory(MINILM), { width, vocabulary, positions } = MINILM;
  let seed = 1;
  const fill = (at: number, length: number) => {
    const values = base.floats(at, length);
    for (let i = 0; i < length; i++) {
      seed = Math.imul(seed, 1_664_525) + 1_013_904_223 >>> 0;
      values[i] = (seed / 2 ** 32 - 0.5) * 0.1;
    }
  };
  fill(base.words, vocabulary * width);
  fill(base.positions, positions * width);
  const norms = [base.embedNorm];
  for (const { qkv, output, ffnIn, ffnOut, norm1, norm2 } of base.layers) {
    for (const { w, inputs, outputs } of [qkv, output, ffnIn, ffnOut]) fill(w, inputs * outputs);
    norms.push(norm1, norm2);
  }
  for (const { gamma } of norms) base.floats(gamma, width).fill(1);
  const model = {
    base: { sha256: "", bytes: 0, format: "safetensors" },
    encoder: MINILM,
    maxTokens: 64,
    pooling: "mean",
    units: 77,
  } as const;
  const program = new EncoderProgram(base, model, []);
  const texts = lengths.map((length, i) => Array.from({ length }, (_, j) => 1000 + i * 100 + j));
  return () => program.pool(program.embed(texts));
}

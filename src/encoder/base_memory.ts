import type { Pointer } from "../params/instance.ts";
import type { Kernels } from "../params/kernels.ts";
import { allocationSize } from "../params/arena.ts";
import { createEngineArena, type EngineExports } from "../engine/kernels.ts";
import { ADAPTER_TARGETS, type EncoderShape } from "../train/models/encoder/encoder_model.ts";
import type { BaseWeights } from "./base_weights.ts";
import { FeatureCache } from "./feature_cache.ts";
import {
  type Alloc,
  BYTES,
  type DensePlaces,
  type LayerPlaces,
  MOST_TEXTS,
  mostTokens,
  type NormPlaces,
  placeLayer,
  placeShared,
} from "./places.ts";

/** Largest rank of an adapter for which there is room. */
const MOST_RANK = 256;
/** Bytes for the parameters and the optimizers of trainers. Unused pages take no memory. */
const TRAINER_BYTES = 128 * 2 ** 20;

/**
 * Weights of a base in the memory of the kernels, which all trainers of a thread share, with the
 * room in which they compute one after the other. The weights have neither gradient nor velocity.
 */
export class BaseMemory {
  readonly shape: EncoderShape;
  readonly exports: EngineExports;
  /** Arena of the memory, from which trainers take what they keep. */
  readonly arena: Kernels;
  /** Outputs of the layers that are not trained, for each text. */
  readonly features: FeatureCache = new FeatureCache();
  /** Embeddings of words `[vocabulary, width]` and of positions `[positions, width]`. */
  readonly words: Pointer;
  readonly positions: Pointer;
  readonly embedNorm: NormPlaces;
  readonly layers: readonly LayerPlaces[];
  /** Place of the room in which trainers compute. */
  readonly room: Pointer;
  /** Number of bytes of that room. */
  readonly roomBytes: number;

  /**
   * Takes memory for a base and its trainers.
   *
   * @throws {RangeError} If the system does not provide the memory.
   */
  constructor(shape: EncoderShape) {
    const { vocabulary, positions, width, layers, inner } = shape;
    const weights = vocabulary * width + positions * width + layers * (width * width * 4 +
          2 * width * inner + 9 * width + inner);
    // Each tensor is rounded up to a cache line.
    const bytes = weights * BYTES + 64 * (16 * layers + 16);
    this.shape = shape;
    this.roomBytes = measureRoom(shape);
    const { arena, exports } = createEngineArena(bytes + this.roomBytes + TRAINER_BYTES);
    this.arena = arena;
    this.exports = exports;
    const alloc = (values: number) => arena.alloc(values).byteOffset;
    const dense = (inputs: number, outputs: number): DensePlaces => ({
      w: alloc(inputs * outputs),
      b: alloc(outputs),
      inputs,
      outputs,
    });
    const norm = (): NormPlaces => ({ gamma: alloc(width), beta: alloc(width) });
    this.words = alloc(vocabulary * width);
    this.positions = alloc(positions * width);
    this.embedNorm = norm();
    this.layers = Array.from({ length: layers }, () => ({
      qkv: dense(width, 3 * width),
      output: dense(width, width),
      norm1: norm(),
      ffnIn: dense(width, inner),
      ffnOut: dense(inner, width),
      norm2: norm(),
    }));
    this.room = arena.allocBytes(this.roomBytes).byteOffset;
  }

  /** View of values in the memory. */
  floats(at: Pointer, length: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.exports.memory.buffer as ArrayBuffer, at, length);
  }

  /** Allocator of the room in which trainers compute, from its beginning. */
  allocInRoom(): Alloc {
    let used = 0;
    return (values) => {
      const at = this.room + used;
      used += allocationSize(values * BYTES);
      if (used > this.roomBytes) {
        throw new RangeError(
          `Cannot place the model in memory: expected at most ${this.roomBytes} bytes, got ${used}`,
        );
      }
      return at;
    };
  }
}

/** Counts the bytes that a program of all layers, with all adapters of the largest rank, takes. */
function measureRoom(shape: EncoderShape): number {
  const { exports } = createEngineArena(0);
  let bytes = 0;
  const alloc = (values: number) => {
    bytes += allocationSize(values * BYTES);
    return 0;
  };
  const ranks = Object.fromEntries(ADAPTER_TARGETS.map((target) => [target, MOST_RANK]));
  for (let i = 0; i <= shape.layers; i++) placeLayer(shape, alloc, 0, ranks);
  placeShared(exports, shape, alloc, MOST_RANK);
  const tokens = mostTokens(shape);
  for (let i = 0; i < shape.layers + 5; i++) alloc(tokens * shape.width);
  alloc(2 * MOST_TEXTS * shape.width);
  alloc(8 * tokens + 2 * MOST_TEXTS);
  return bytes + 64 * 64;
}

/** Names of Hugging Face's BERT in a file, by their use. */
const NAMES = {
  words: "embeddings.word_embeddings.weight",
  positions: "embeddings.position_embeddings.weight",
  types: "embeddings.token_type_embeddings.weight",
  norm: "embeddings.LayerNorm",
};

/**
 * Reads the weights of a base into memory, each tensor straight from its source. Kernels are
 * transposed to `[inputs, outputs]`, those of query, key and value become one, and the embedding of
 * token type 0 is added to that of positions.
 *
 * @throws {RangeError} If a tensor is missing or has another shape; the message names it.
 */
export async function loadBase(weights: BaseWeights, shape: EncoderShape): Promise<BaseMemory> {
  const { shapes } = weights, { vocabulary, positions, width, inner } = shape;
  const prefix = shapes.has(NAMES.words) ? "" : "bert.";
  function check(name: string, expected: readonly number[]): string {
    const full = prefix + name, got = shapes.get(full);
    if (got?.join() === expected.join()) return full;
    throw new RangeError(
      `Cannot use the base: expected the tensor ${JSON.stringify(full)} of shape [${
        expected.join(", ")
      }], got ${got ? `[${got.join(", ")}]` : "none"}`,
    );
  }
  const stacked = Array.from({ length: shape.layers }, (_, i) => `encoder.layer.${i}`);
  const denses = [
    ...["query", "key", "value"].map((part) => [`attention.self.${part}`, width, width] as const),
    ["attention.output.dense", width, width] as const,
    ["intermediate.dense", inner, width] as const,
    ["output.dense", width, inner] as const,
  ];
  const norms = ["attention.output.LayerNorm", "output.LayerNorm"];
  // All names and shapes are checked before memory is taken.
  check(NAMES.words, [vocabulary, width]);
  check(NAMES.positions, [positions, width]);
  const types = shapes.get(prefix + NAMES.types)?.[0] ?? 1;
  check(NAMES.types, [types, width]);
  for (
    const name of [
      NAMES.norm,
      ...stacked.flatMap((at) => norms.map((norm) => `${at}.${norm}`)),
    ]
  ) {
    for (const part of ["weight", "bias"]) check(`${name}.${part}`, [width]);
  }
  for (const at of stacked) {
    for (const [name, outputs, inputs] of denses) {
      check(`${at}.${name}.weight`, [outputs, inputs]);
      check(`${at}.${name}.bias`, [outputs]);
    }
  }

  const memory = new BaseMemory(shape);
  const spare = new Float32Array(Math.max(width * inner, width * width, types * width));
  const read = async (name: string, at: Pointer, length: number) =>
    await weights.read(prefix + name, memory.floats(at, length));
  const readNorm = async (name: string, { gamma, beta }: NormPlaces) => {
    await read(`${name}.weight`, gamma, width);
    await read(`${name}.bias`, beta, width);
  };
  /** Reads a dense layer into columns of a wider one. */
  async function readDense(name: string, { w, b, inputs, outputs }: DensePlaces, part = 0, of = 1) {
    const count = outputs / of, from = spare.subarray(0, count * inputs), first = part * count;
    await weights.read(`${prefix}${name}.weight`, from);
    const to = memory.floats(w, inputs * outputs);
    for (let i = 0; i < inputs; i++) {
      for (let k = 0; k < count; k++) to[i * outputs + first + k] = from[k * inputs + i] ?? NaN;
    }
    await read(`${name}.bias`, b + first * BYTES, count);
  }

  await read(NAMES.words, memory.words, vocabulary * width);
  await read(NAMES.positions, memory.positions, positions * width);
  const type = spare.subarray(0, types * width);
  await weights.read(prefix + NAMES.types, type);
  const placed = memory.floats(memory.positions, positions * width);
  for (let i = 0; i < placed.length; i++) placed[i] = (placed[i] ?? NaN) + (type[i % width] ?? NaN);
  await readNorm(NAMES.norm, memory.embedNorm);
  for (const [i, at] of stacked.entries()) {
    const layer = memory.layers[i];
    if (layer === undefined) continue;
    for (const [part, [name]] of denses.slice(0, 3).entries()) {
      await readDense(`${at}.${name}`, layer.qkv, part, 3);
    }
    await readDense(`${at}.attention.output.dense`, layer.output);
    await readDense(`${at}.intermediate.dense`, layer.ffnIn);
    await readDense(`${at}.output.dense`, layer.ffnOut);
    await readNorm(`${at}.${norms[0]}`, layer.norm1);
    await readNorm(`${at}.${norms[1]}`, layer.norm2);
  }
  return memory;
}

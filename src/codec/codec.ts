import type { ParameterVector } from "../params/manifest.ts";

/**
 * Key of the random numbers of an encoding. The same key, codec and vector give the same bytes, and
 * a decoder needs the key of the encoder. Each vector that is sent should have a key of its own.
 */
export interface CodecKey {
  /** Seed of the run, an integer from 0 to 2^32 - 1. */
  readonly seed: number;
  /** Round, an integer from 0 to 2^32 - 1. */
  readonly round: number;
  /** Rank of the sender, an integer from 0 to 2^32 - 1. */
  readonly rank: number;
}

/**
 * Format of the numbers in codes, little-endian. Two of 4 bits are a byte, the first one in the
 * lower half; floating-point numbers have their sign in the highest bit.
 */
export type NumberFormat = "int4" | "int8" | "float16" | "float32";

/** Lengths of an encoded vector. */
export interface CodedSize {
  /** Number of scales, of 4 bytes each. */
  readonly scales: number;
  /** Number of bytes of codes. */
  readonly codes: number;
}

/** Encoded vector. */
export interface Coded {
  /** Finite numbers from 0, such as the factors of blocks of codes. */
  readonly scales: Float32Array<ArrayBuffer>;
  /** Codes of the values, in any form. */
  readonly codes: Uint8Array<ArrayBuffer>;
}

/**
 * Codec of vectors: it turns them into fewer bytes and back, with an error.
 *
 * A codec keeps nothing from one vector to the next. {@linkcode encodeVector} and {@linkcode
 * decodeVector} check lengths, scales and values, so its methods need not; `testCodec` of
 * `@fedlab/core/testing` tests one of your own.
 *
 * @example Signs with the mean magnitude
 * ```ts
 * import { type Codec, decodeVector, encodeVector } from "@fedlab/core/codec";
 * import { assertEquals } from "@std/assert";
 *
 * const sign: Codec = {
 *   name: "sign",
 *   size: (length) => ({ scales: Math.min(length, 1), codes: Math.ceil(length / 8) }),
 *   encode(vector, _key, { scales, codes }) {
 *     scales[0] = vector.reduce((sum, x) => sum + Math.abs(x), 0) / vector.length;
 *     vector.forEach((x, i) => codes[i >> 3] = (codes[i >> 3] ?? 0) | Number(x < 0) << (i & 7));
 *   },
 *   decode({ scales: [scale = 0], codes }, _key, into) {
 *     into.forEach((_, i) => into[i] = (codes[i >> 3] ?? 0) >> (i & 7) & 1 ? -scale : scale);
 *   },
 * };
 * const key = { seed: 0, round: 1, rank: 1 };
 * const decoded = new Float32Array(3);
 * decodeVector(sign, encodeVector(sign, new Float32Array([1, -2, 3]), key), key, decoded);
 * assertEquals([...decoded], [2, -2, 2]);
 * ```
 */
export interface Codec {
  /** Name with the settings, such as `"eden:bits=1,share=0.1"`. */
  readonly name: string;
  /**
   * Number of times the largest scale that no magnitude of a decoded value exceeds. Where it is
   * given, decoded values need not be checked one by one.
   */
  readonly reach?: number;
  /** Set if decoding gives the values that were encoded, bit for bit. */
  readonly isExact?: boolean;
  /**
   * Format of the codes, by which differences of encoded vectors are taken.
   *
   * @default {"int8"}
   */
  readonly numbers?: NumberFormat;
  /** Returns the exact lengths of an encoded vector of `length` values. */
  size(length: number): CodedSize;
  /**
   * Encodes a vector of any length. A value that it cannot encode makes a scale that is not finite,
   * or a `RangeError`.
   *
   * @param into Receives the scales and the codes, zeros before. Its lengths are those of
   * {@linkcode Codec.size}.
   */
  encode(vector: ParameterVector, key: CodecKey, into: Coded): void;
  /**
   * Decodes a vector, of any bytes.
   *
   * @param coded Lengths are those of {@linkcode Codec.size}; scales are finite and at least 0.
   * @param into Receives the values.
   * @throws {ProtocolError} If no vector has the codes.
   */
  decode(coded: Coded, key: CodecKey, into: ParameterVector): void;
}

/**
 * Encoding and decoding with the checks that hold for every codec.
 *
 * @module
 */

import { checkInRange } from "../base/check.ts";
import { ProtocolError } from "../base/errors.ts";
import { largest } from "../params/operations.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { Codec, CodecKey, Coded, CodedSize } from "./codec.ts";

/** Less than the largest float32. */
const MOST = 2 ** 127;
const UINT32 = { whole: true, least: 0, most: 0xFFFF_FFFF };

/** Returns the number of bytes of an encoded vector of `length` values. */
export function codedBytes(codec: Codec, length: number): number {
  const { scales, codes } = codec.size(length);
  return scales * Float32Array.BYTES_PER_ELEMENT + codes;
}

/**
 * Encodes a vector.
 *
 * @param key Key of the random numbers; codecs without any ignore it.
 * @param into Arrays that receive the result, of the lengths of `codec.size(vector.length)`.
 * Default: new ones.
 * @returns `into`.
 * @throws {RangeError} If a value is not finite or too large for the codec, the key is out of
 * range, or the arrays have other lengths.
 *
 * @example
 * ```ts
 * import { codedBytes, decodeVector, encodeVector, parseCodec } from "@fedlab/core/codec";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const codec = parseCodec("int8"), key = { seed: 0, round: 1, rank: 1 };
 * const vector = Float32Array.from({ length: 1024 }, (_, i) => Math.sin(i));
 * const coded = encodeVector(codec, vector, key);
 * assertEquals(codedBytes(codec, 1024), 1024 + 4 * 4);
 *
 * const decoded = new Float32Array(1024);
 * decodeVector(codec, coded, key, decoded);
 * decoded.forEach((value, i) => assertAlmostEquals(value, Math.sin(i), 0.5 / 127));
 * ```
 */
export function encodeVector(
  codec: Codec,
  vector: ParameterVector,
  key: CodecKey,
  into?: Coded,
): Coded {
  const problem = `Cannot encode the vector as ${codec.name}`;
  checkKey(problem, key);
  const size = codec.size(vector.length);
  if (into !== undefined && !hasSize(into, size)) {
    throw new RangeError(
      `${problem}: expected arrays for ${describe(size)}, got ${describe(sizeOf(into))}`,
    );
  }
  into?.codes.fill(0);
  const coded = into ?? {
    scales: new Float32Array(size.scales),
    codes: new Uint8Array(size.codes),
  };
  codec.encode(vector, key, coded);
  if (!coded.scales.every(isScale)) {
    const most = largest(vector);
    throw new RangeError(
      Number.isFinite(most)
        ? `${problem}: expected smaller values, got a magnitude of ${most}`
        : `${problem}: expected finite values, got ${most}`,
    );
  }
  return coded;
}

/**
 * Decodes a vector. Nothing is allocated: the length of `into` tells which lengths are right.
 *
 * @param coded Scales and codes, from anyone.
 * @param key Key of the encoding.
 * @param into Receives the values. After an error its content is undefined.
 * @throws {ProtocolError} `shape-mismatch` if the scales or codes have other lengths than a vector
 * of that length; `non-finite` if a scale is negative or not finite, or a value would not be
 * finite; `invalid-field` if no vector has the codes.
 * @throws {RangeError} If the key is out of range.
 */
export function decodeVector(
  codec: Codec,
  coded: Coded,
  key: CodecKey,
  into: ParameterVector,
): void {
  const problem = `Cannot decode the vector from ${codec.name}`;
  checkKey(problem, key);
  checkLengths(codec, coded, into.length);
  let scale = 0;
  for (const one of coded.scales) {
    if (!isScale(one)) {
      throw new ProtocolError(
        "non-finite",
        `${problem}: expected finite scales of at least 0, got ${one}`,
      );
    }
    scale = Math.max(scale, one);
  }
  codec.decode(coded, key, into);
  if (codec.reach !== undefined && scale * codec.reach < MOST) return;
  const most = largest(into);
  if (Number.isFinite(most)) return;
  throw new ProtocolError("non-finite", `${problem}: expected finite values, got ${most}`);
}

/**
 * Checks that arrays have the lengths of an encoded vector of `length` values.
 *
 * @throws {ProtocolError} `shape-mismatch` if not.
 */
export function checkLengths(codec: Codec, coded: Coded, length: number): void {
  const size = codec.size(length);
  if (hasSize(coded, size)) return;
  throw new ProtocolError(
    "shape-mismatch",
    `Cannot decode the vector from ${codec.name}: expected ${
      describe(size)
    } for ${length} values, got ${describe(sizeOf(coded))}`,
  );
}

function checkKey(problem: string, { seed, round, rank }: CodecKey): void {
  for (const [name, value] of Object.entries({ seed, round, rank })) {
    checkInRange(value, UINT32, problem, `a ${name} from 0 to ${UINT32.most}`);
  }
}

function isScale(scale: number): boolean {
  return scale >= 0 && scale < Infinity;
}

function sizeOf({ scales, codes }: Coded): CodedSize {
  return { scales: scales.length, codes: codes.length };
}

function hasSize(coded: Coded, { scales, codes }: CodedSize): boolean {
  return coded.scales.length === scales && coded.codes.length === codes;
}

function describe({ scales, codes }: CodedSize): string {
  return `${scales} scales and ${codes} bytes of codes`;
}

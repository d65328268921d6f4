/**
 * Differences of encoded vectors, without loss.
 *
 * @module
 */

import { bytesOf, concat } from "../base/bytes.ts";
import { sha256Hex } from "../base/hash.ts";
import type { Codec, NumberFormat } from "./codec.ts";
import { BitReader, BitWriter, readRice, writeRice } from "./rice.ts";
import type { CodedVector } from "./vector_coder.ts";

/** Bits of the numbers of each format. */
const WIDTHS: Readonly<Record<NumberFormat, number>> = {
  int4: 4,
  int8: 8,
  float16: 16,
  float32: 32,
};
/** Bits beside a sign that is no part of a two's complement. */
const MAGNITUDES: Readonly<Record<NumberFormat, number>> = {
  int4: 0,
  int8: 0,
  float16: 0x7FFF,
  float32: 0x7FFF_FFFF,
};

/** Array of numbers whose order is that of the values that they stand for. */
type Numbers = Int32Array<ArrayBuffer> | Int16Array<ArrayBuffer> | Int8Array<ArrayBuffer>;

/**
 * Encodes the difference of two encoded vectors, from which {@linkcode applyDifference} restores
 * the second one bit for bit.
 *
 * @param codec Codec of both vectors.
 * @param from Vector that the receiver has.
 * @param to Vector of the same lengths.
 * @returns Bytes, none if the vectors are equal; `undefined` if they are not fewer than those of
 * the vector itself.
 */
export function encodeDifference(
  codec: Codec,
  from: CodedVector,
  to: CodedVector,
): Uint8Array<ArrayBuffer> | undefined {
  const writer = new BitWriter(Math.max(0, vectorBytes(to) - 1)), ends = partsOf(codec, to);
  let isSame = true;
  for (const [i, { format, bytes }] of partsOf(codec, from).entries()) {
    const before = numbersOf(format, bytes), after = numbersOf(format, ends[i]?.bytes ?? bytes);
    const width = WIDTHS[format], magnitude = MAGNITUDES[format], shift = 32 - width;
    const change = new Int32Array(before.length);
    for (let i = 0; i < change.length; i++) {
      const all = ordered(after[i] ?? 0, magnitude) - ordered(before[i] ?? 0, magnitude);
      const one = all << shift >> shift;
      change[i] = one;
      if (one !== 0) isSame = false;
    }
    if (!writeRice(change, width, writer)) return undefined;
  }
  return isSame ? new Uint8Array() : writer.bytes;
}

/**
 * Applies a difference to an encoded vector.
 *
 * @param codes Bytes from anyone.
 * @returns A new vector of the same lengths, or the same one if there is no difference.
 * @throws {ProtocolError} "shape-mismatch" or "invalid-field" if they are no difference of such
 * vectors.
 */
export function applyDifference(
  codec: Codec,
  from: CodedVector,
  codes: Uint8Array,
): CodedVector {
  if (codes.length === 0) return from;
  const reader = new BitReader(codes);
  const [scales, changed, plain] = partsOf(codec, from).map(({ format, bytes }) => {
    const numbers = numbersOf(format, bytes), change = new Int32Array(numbers.length);
    const width = WIDTHS[format], magnitude = MAGNITUDES[format], shift = 32 - width;
    readRice(reader, width, change);
    for (let i = 0; i < change.length; i++) {
      const all = ordered(numbers[i] ?? 0, magnitude) + (change[i] ?? 0);
      change[i] = ordered(all << shift >> shift, magnitude);
    }
    return bytesFrom(format, change, bytes.length);
  });
  reader.end();
  return {
    scales: new Float32Array(scales?.buffer ?? []),
    codes: changed ?? new Uint8Array(),
    ...(from.plain && { plain: new Float32Array(plain?.buffer ?? []) }),
  };
}

/** Returns the number of bytes of an encoded vector. */
export function vectorBytes({ scales, codes, plain }: CodedVector): number {
  return scales.byteLength + codes.byteLength + (plain?.byteLength ?? 0);
}

/** Computes the digest of an encoded vector: SHA-256 of its arrays, one after another. */
export async function codedDigest(coded: CodedVector): Promise<string> {
  return await sha256Hex(concat(codedParts(coded)));
}

/** Returns the bytes of the arrays of an encoded vector, in their order. */
export function codedParts({ scales, codes, plain }: CodedVector): Uint8Array<ArrayBuffer>[] {
  return [bytesOf(scales), codes, ...(plain ? [bytesOf(plain)] : [])];
}

/** Part of an encoded vector. */
interface Part {
  readonly format: NumberFormat;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function partsOf({ numbers = "int8" }: Codec, { scales, codes, plain }: CodedVector): Part[] {
  return [
    { format: "float32", bytes: bytesOf(scales) },
    { format: numbers, bytes: codes },
    ...(plain ? [{ format: "float32" as const, bytes: bytesOf(plain) }] : []),
  ];
}

/** Returns the numbers in bytes, of the machine's order: little-endian. */
function numbersOf(format: NumberFormat, bytes: Uint8Array<ArrayBuffer>): Numbers {
  const isAligned = bytes.byteOffset % Int32Array.BYTES_PER_ELEMENT === 0;
  const { buffer, byteOffset, length } = isAligned ? bytes : bytes.slice();
  if (format === "float32") return new Int32Array(buffer, byteOffset, length >> 2);
  if (format === "float16") return new Int16Array(buffer, byteOffset, length >> 1);
  if (format === "int8") return new Int8Array(buffer, byteOffset, length);
  const halves = new Int8Array(2 * length);
  bytes.forEach((pair, i) => {
    halves[2 * i] = pair << 28 >> 28;
    halves[2 * i + 1] = pair << 24 >> 28;
  });
  return halves;
}

/** Converts a number to one whose order is that of the values, and back. */
function ordered(number: number, magnitude: number): number {
  return number ^ number >> 31 & magnitude;
}

function bytesFrom(
  format: NumberFormat,
  numbers: Int32Array<ArrayBuffer>,
  length: number,
): Uint8Array<ArrayBuffer> {
  if (format === "float32") return new Uint8Array(numbers.buffer);
  if (format === "float16") return new Uint8Array(Int16Array.from(numbers).buffer);
  const bytes = new Uint8Array(length);
  if (format === "int8") bytes.set(numbers);
  else {
    bytes.forEach((_, i) =>
      bytes[i] = (numbers[2 * i] ?? 0) & 15 | ((numbers[2 * i + 1] ?? 0) & 15) << 4
    );
  }
  return bytes;
}

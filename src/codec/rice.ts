/**
 * Rice codes of integers, with a parameter for each block.
 *
 * Rice 1979, "Some Practical Universal Noiseless Coding Techniques".
 *
 * @module
 */

import { ProtocolError } from "../base/errors.ts";

/** Numbers of a block. */
export const RICE_BLOCK = 128;
/** Parameter of a block of zeros. */
const ZEROS = 32;
const PARAMETER_BITS = 6;
/** Number of ones that say that the number follows in all its bits. */
const ESCAPE = 24;
const PIECE_BITS = 16;

/** Writer of bits, the lowest of each byte first. */
export class BitWriter {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  #bits = 0;
  #count = 0;

  /** Starts with no bits. What exceeds `most` bytes is not kept. */
  constructor(most: number) {
    this.#bytes = new Uint8Array(most);
  }

  /** Writes the lowest bits of a number, at most 24. */
  write(value: number, count: number): void {
    this.#bits |= value << this.#count;
    this.#count += count;
    while (this.#count >= 8) {
      this.#bytes[this.#length++] = this.#bits;
      this.#bits >>>= 8;
      this.#count -= 8;
    }
  }

  /** Set once there are more bytes than are kept. */
  get isOver(): boolean {
    return this.#length + Number(this.#count > 0) > this.#bytes.length;
  }

  /** The bytes; `undefined` if they are more than the most. */
  get bytes(): Uint8Array<ArrayBuffer> | undefined {
    if (this.isOver) return undefined;
    if (this.#count === 0) return this.#bytes.slice(0, this.#length);
    this.#bytes[this.#length] = this.#bits;
    return this.#bytes.slice(0, this.#length + 1);
  }
}

/** Reader of the bits that a {@linkcode BitWriter} has written. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #bits = 0;
  #count = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /**
   * Reads a number of at most 24 bits.
   *
   * @throws {ProtocolError} "shape-mismatch" if there are fewer bits.
   */
  read(count: number): number {
    if (this.#count < count) this.#fill(count);
    const value = this.#bits & (1 << count) - 1;
    this.#take(count);
    return value;
  }

  /**
   * Reads ones up to the first zero, that included, or as many as there may be.
   *
   * @param most Number of ones that no zero follows, 24 at most.
   * @throws {ProtocolError} "shape-mismatch" if there are fewer bits.
   */
  ones(most: number): number {
    if (this.#count < most) this.#fill(0);
    // Bits that were not filled in are zeros, so that it ends at them.
    const zeros = ~this.#bits, ones = 31 - Math.clz32(zeros & -zeros);
    if (ones >= most) {
      this.#take(most);
      return most;
    }
    if (ones === this.#count) this.#fill(ones + 1);
    this.#take(ones + 1);
    return ones;
  }

  #take(count: number): void {
    this.#bits >>>= count;
    this.#count -= count;
  }

  /** Fills in as many bits as there is room for, at least so many. */
  #fill(least: number): void {
    while (this.#count < ESCAPE && this.#at < this.#bytes.length) {
      this.#bits |= (this.#bytes[this.#at++] ?? 0) << this.#count;
      this.#count += 8;
    }
    if (this.#count >= least) return;
    throw new ProtocolError(
      "shape-mismatch",
      `Cannot decode the difference: expected more than ${this.#bytes.length} bytes`,
    );
  }

  /**
   * Checks that all bytes were read, and that the last one is filled up with zeros.
   *
   * @throws {ProtocolError} "shape-mismatch" or "invalid-field" if not.
   */
  end(): void {
    const read = this.#at - (this.#count >> 3), { length } = this.#bytes;
    if (read < length) {
      throw new ProtocolError(
        "shape-mismatch",
        `Cannot decode the difference: expected ${read} bytes, got ${length}`,
      );
    }
    if (this.#bits === 0) return;
    throw invalid("expected zeros after the last number");
  }
}

/**
 * Writes integers. Numbers near 0 take few bits.
 *
 * @param numbers Integers of `width` bits, with sign.
 * @param width Bits of a number that is larger than the others, 32 at most.
 * @returns `false` if they are more bytes than the writer keeps; the rest is not written then.
 */
export function writeRice(numbers: Int32Array, width: number, into: BitWriter): boolean {
  const block = new Uint32Array(RICE_BLOCK);
  for (let start = 0; start < numbers.length; start += RICE_BLOCK) {
    const length = Math.min(RICE_BLOCK, numbers.length - start);
    if (into.isOver) return false;
    let sum = 0;
    for (let i = 0; i < length; i++) {
      const number = numbers[start + i] ?? 0, value = (number << 1 ^ number >> 31) >>> 0;
      block[i] = value;
      sum += value;
    }
    if (sum === 0) {
      into.write(ZEROS, PARAMETER_BITS);
      continue;
    }
    const parameter = bestParameter(block, length, sum, width);
    into.write(parameter, PARAMETER_BITS);
    for (let i = 0; i < length; i++) {
      const value = block[i] ?? 0, quotient = value >>> parameter;
      if (quotient < ESCAPE) {
        into.write((1 << quotient) - 1, quotient + 1);
        writeBits(into, value, parameter);
      } else {
        into.write((1 << ESCAPE) - 1, ESCAPE);
        writeBits(into, value, width);
      }
    }
  }
  return !into.isOver;
}

/**
 * Reads integers.
 *
 * @param into Receives the numbers.
 * @throws {ProtocolError} "shape-mismatch" or "invalid-field" if the bits are no such numbers.
 */
export function readRice(from: BitReader, width: number, into: Int32Array): void {
  const most = 2 ** width - 1;
  for (let start = 0; start < into.length; start += RICE_BLOCK) {
    const end = Math.min(start + RICE_BLOCK, into.length);
    const parameter = from.read(PARAMETER_BITS);
    if (parameter === ZEROS) {
      into.fill(0, start, end);
      continue;
    }
    if (parameter >= width) {
      throw invalid(`expected a parameter below ${width}, or ${ZEROS}, got ${parameter}`);
    }
    for (let i = start; i < end; i++) {
      const quotient = from.ones(ESCAPE);
      const value = quotient < ESCAPE
        ? quotient * 2 ** parameter + readBits(from, parameter)
        : readBits(from, width);
      if (value > most) throw invalid(`expected numbers of ${width} bits, got ${value}`);
      into[i] = value >>> 1 ^ -(value & 1);
    }
  }
}

/** Finds the parameter by which a block takes the fewest bits, near that of its mean. */
function bestParameter(block: Uint32Array, length: number, sum: number, width: number): number {
  const middle = Math.max(0, Math.floor(Math.log2(sum / length)));
  let best = 0, fewest = Infinity;
  for (
    let parameter = Math.max(0, middle - 2);
    parameter <= Math.min(middle + 1, width - 1);
    parameter++
  ) {
    let bits = 0;
    for (let i = 0; i < length; i++) {
      const quotient = (block[i] ?? 0) >>> parameter;
      bits += quotient < ESCAPE ? quotient + 1 + parameter : ESCAPE + width;
    }
    if (bits >= fewest) continue;
    fewest = bits;
    best = parameter;
  }
  return best;
}

function writeBits(into: BitWriter, value: number, count: number): void {
  const first = Math.min(count, PIECE_BITS);
  into.write(value & (1 << first) - 1, first);
  if (count > first) into.write(value >>> first & (1 << count - first) - 1, count - first);
}

function readBits(from: BitReader, count: number): number {
  const first = Math.min(count, PIECE_BITS), low = from.read(first);
  return count > first ? low + from.read(count - first) * 2 ** PIECE_BITS : low;
}

function invalid(problem: string): ProtocolError {
  return new ProtocolError("invalid-field", `Cannot decode the difference: ${problem}`);
}

/**
 * Seeded randomness: one counter-based generator for every purpose, so that no draw depends on the
 * order of others.
 *
 * @module
 */

import type { StreamPlace } from "./stream_place.ts";
import { hashText } from "./hash.ts";
import { checkInRange, checkSeed } from "./check.ts";

/** Purpose of a stream of random numbers. Streams of different purposes are independent. */
export type RandomPurpose =
  | "cohort"
  | "partition"
  | "feature-noise"
  | "split"
  | "initial-weights"
  | "batch-order"
  | "dropout"
  | "noise"
  | "settings"
  | "synthetic"
  | "generation"
  | "rotation"
  | "second-rotation"
  | "kept"
  | "rounding"
  | "quantize"
  | "world"
  | "test";

/** Round and rank of a stream of random numbers. */
export interface RandomStream {
  /**
   * Round.
   *
   * @default {0}
   */
  round?: number;
  /**
   * Rank.
   *
   * @default {0}
   */
  rank?: number;
}

const MULTIPLIER_0 = 0xD2511F53;
const MULTIPLIER_1 = 0xCD9E8D57;
const WEYL_0 = 0x9E3779B9;
const WEYL_1 = 0xBB67AE85;
const ROUNDS = 10;

/** Number of items for each draw above which a sample is drawn without a copy of the items. */
const FEW_DRAWS = 16;

/** Returns the high 32 bits of the product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xFFFF, aHigh = a >>> 16, bLow = b & 0xFFFF, bHigh = b >>> 16;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >>> 16);
  const carry = aLow * bHigh + (middle & 0xFFFF);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

/**
 * Returns the block of four 32-bit numbers for a counter and a key, both little-endian
 * (Philox4x32-10).
 *
 * Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3", section 4.3.
 */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let i = 0; i < ROUNDS; i++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0), low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2), low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/**
 * Stream of random numbers that depends only on `(seed, purpose, round, rank)`.
 *
 * @example The same key gives the same numbers
 * ```ts
 * import { Random } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const order = () => new Random(7, "batch-order", { round: 2, rank: 1 }).permutation(5);
 * assertEquals(order(), order());
 * ```
 */
export class Random {
  readonly #key: readonly [number, number];
  readonly #round: number;
  readonly #rank: number;
  #index = 0;
  #block: readonly number[] = [];
  #spare: number | undefined;

  /**
   * Opens a stream.
   *
   * @param seed An integer from 0 to 2^32 - 1.
   * @throws {RangeError} If the seed is not such an integer.
   */
  constructor(seed: number, purpose: RandomPurpose, stream: RandomStream = {}) {
    this.#key = [checkSeed(seed), hashText(purpose)];
    this.#round = stream.round ?? 0;
    this.#rank = stream.rank ?? 0;
  }

  /** Place from which another generator of the same numbers can go on. */
  get place(): StreamPlace {
    const [seed, purpose] = this.#key;
    return { seed, purpose, round: this.#round, rank: this.#rank, index: this.#index };
  }

  /** Leaves out numbers of 32 bits, which another generator has drawn. */
  skip(count: number): void {
    this.#index += count;
    this.#block = [];
  }

  /** Draws a whole number from 0 to 2^32 - 1. */
  uint32(): number {
    const lane = this.#index % 4;
    if (lane === 0 || this.#block.length === 0) {
      this.#block = this.#blockOf(Math.floor(this.#index / 4));
    }
    this.#index++;
    return this.#block[lane] ?? 0;
  }

  #blockOf(number: number): readonly number[] {
    const high = Math.floor(number / 0x100000000);
    return philox4x32([number >>> 0, high, this.#round, this.#rank], this.#key);
  }

  /** Draws a number in [0, 1), a multiple of 2^-53. */
  uniform(): number {
    const high = this.uint32() >>> 5, low = this.uint32() >>> 6;
    return (high * 0x4000000 + low) / 0x20000000000000;
  }

  /**
   * Draws a whole number from 0 to `limit - 1`, each equally likely.
   *
   * @param limit A whole number from 1 to 2^32.
   * @throws {RangeError} If the limit is out of range.
   */
  below(limit: number): number {
    // Written out: a shuffle draws once for each item.
    if (!Number.isInteger(limit) || limit < 1 || limit > 0x100000000) {
      throw new RangeError(
        `Cannot draw below the limit: expected an integer from 1 to 2^32, got ${limit}`,
      );
    }
    let draw = this.uint32();
    // Smaller draws are fair for sure, without a second division.
    if (draw > 0x100000000 - limit) {
      const fair = 0x100000000 - (0x100000000 % limit);
      while (draw >= fair) draw = this.uint32();
    }
    return draw % limit;
  }

  /** Draws from the standard normal distribution (Box and Muller 1958). */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Shuffles an array in place (Fisher and Yates), and returns it. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const item = items[i];
      items[i] = items[j];
      items[j] = item;
    }
    return items;
  }

  /** Draws a random order of the numbers 0 to `length - 1`. */
  permutation(length: number): Uint32Array<ArrayBuffer> {
    const numbers = new Uint32Array(length);
    for (let i = 0; i < length; i++) numbers[i] = i;
    return this.shuffle(numbers);
  }

  /**
   * Draws `count` different items, in the order of drawing.
   *
   * @throws {RangeError} If there are not as many items.
   */
  sample<T>(items: readonly T[], count: number): T[] {
    const range = { whole: true, least: 0, most: items.length };
    checkInRange(count, range, "Cannot draw a sample", `0 to ${items.length} items`);
    if (count * FEW_DRAWS > items.length) return this.#shuffleStart([...items], count);
    // Only what was exchanged is kept, by place: few draws need no copy of all items.
    const moved = new Map<number, T>();
    const at = (place: number) => (moved.has(place) ? moved.get(place) : items[place]) as T;
    const drawn: T[] = [];
    for (let i = 0; i < count; i++) {
      const j = i + this.below(items.length - i);
      drawn.push(at(j));
      moved.set(j, at(i));
      moved.delete(i);
    }
    return drawn;
  }

  /** Draws the first `count` items of a random order, which it leaves at the start. */
  #shuffleStart<T>(items: T[], count: number): T[] {
    for (let i = 0; i < count; i++) {
      const j = i + this.below(items.length - i);
      [items[i], items[j]] = [items[j] as T, items[i] as T];
    }
    return items.slice(0, count);
  }
}

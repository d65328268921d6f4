/**
 * Exact sums of numbers.
 *
 * @module
 */

import { checkInRange, isCount } from "../base/check.ts";

/** Least number of terms that an exact sum cannot hold. */
export const TERMS_BELOW = 2 ** 24;
/** Greatest magnitude of a term. */
export const MOST_OF_TERM = 2 ** 38;
/** Bound of the sum of the terms' magnitudes. */
export const SUM_BELOW = 2 ** 40;
/** Units of the bins. Each adds up multiples of its unit, up to 2^53 of them. */
export const UNITS: readonly number[] = [2 ** -13, 2 ** -43, 2 ** -73];
/** Number of bins. */
export const BINS = 3;

const MAGIC = UNITS.map((unit) => 1.5 * 2 ** 52 * unit);

/**
 * Exact sum of numbers: the same, bit for bit, whatever the order and the grouping of the terms.
 *
 * Each term is rounded to the nearest multiple of 2^-73, ties to even; after that nothing is lost.
 *
 * @example
 * ```ts
 * import { ExactTotal } from "@fedlab/core/params";
 * import { assertEquals } from "@std/assert";
 *
 * const total = new ExactTotal();
 * for (const value of [2 ** 37, 2 ** -40, -(2 ** 37)]) total.add(value);
 * assertEquals(total.value, 2 ** -40);
 * ```
 */
export class ExactTotal {
  /** The bins, the one of the largest unit first. */
  readonly #bins = new Float64Array(BINS);
  #magnitude = 0;
  #count = 0;

  /** Number of terms. */
  get count(): number {
    return this.#count;
  }

  /** The sum, rounded to float64. */
  get value(): number {
    const [first = NaN, second = NaN, third = NaN] = this.#bins;
    return (third + second) + first;
  }

  /**
   * Adds a number.
   *
   * @throws {RangeError} If its magnitude is above 2^38, the sum of all magnitudes would reach
   * 2^40, or there are 2^24 - 1 terms already. Nothing has changed then.
   */
  add(value: number): void {
    this.check(value);
    let rest = value;
    MAGIC.forEach((magic, bin) => {
      const part = (rest + magic) - magic;
      rest -= part;
      this.#bins[bin] = (this.#bins[bin] ?? NaN) + part;
    });
    this.#magnitude += magnitudeOf(value);
    this.#count++;
  }

  /** Throws the error of {@linkcode ExactTotal.add}, and changes nothing. */
  check(value: number): void {
    const problem = "Cannot add to an exact sum";
    const range = { least: -MOST_OF_TERM, most: MOST_OF_TERM };
    checkInRange(value, range, problem, "terms of at most 2^38");
    checkSum(problem, this.#magnitude + magnitudeOf(value), this.#count + 1);
  }

  /**
   * Adds the terms of another sum.
   *
   * @throws {RangeError} If the two together are out of the range that {@linkcode ExactTotal.add}
   * names. Nothing has changed then.
   */
  merge(other: ExactTotal): void {
    this.checkMerge(other);
    other.#bins.forEach((part, bin) => this.#bins[bin] = (this.#bins[bin] ?? NaN) + part);
    this.#magnitude += other.#magnitude;
    this.#count += other.#count;
  }

  /** Throws the error of {@linkcode ExactTotal.merge}, and changes nothing. */
  checkMerge(other: ExactTotal): void {
    const problem = "Cannot merge the exact sums";
    checkSum(problem, this.#magnitude + other.#magnitude, this.#count + other.#count);
  }

  /** Removes all terms. */
  clear(): void {
    this.#bins.fill(0);
    this.#magnitude = this.#count = 0;
  }

  /** Returns the state as numbers: three bins, the sum of magnitudes and the number of terms. */
  save(): number[] {
    return [...this.#bins, this.#magnitude, this.#count];
  }

  /**
   * Replaces the state by one that {@linkcode ExactTotal.save} returned.
   *
   * @throws {RangeError} If it is no such state.
   */
  restore(saved: ArrayLike<number>): void {
    const bins = Array.from({ length: BINS }, (_, i) => saved[i] ?? NaN);
    const magnitude = saved[BINS] ?? NaN, count = saved[BINS + 1] ?? NaN;
    if (
      !areBins(bins) || !isCount(count) || count >= TERMS_BELOW ||
      !(magnitude >= 0 && magnitude < SUM_BELOW) || !Number.isInteger(magnitude * 2 ** 12)
    ) {
      throw new RangeError("Cannot restore the exact sum: expected its bins, got something else");
    }
    this.#bins.set(bins);
    this.#magnitude = magnitude;
    this.#count = count;
  }
}

/** Magnitude of a term, rounded up to a multiple of 2^-12, so that magnitudes add up exactly. */
function magnitudeOf(value: number): number {
  return Math.ceil(Math.abs(value) * 2 ** 12) / 2 ** 12;
}

/**
 * Checks that each number is a multiple of its bin's unit, within the range that the bin adds up
 * exactly.
 */
export function areBins(bins: ArrayLike<number>, lanes = 1): boolean {
  for (let i = 0; i < bins.length; i++) {
    const units = (bins[i] ?? NaN) / (UNITS[Math.floor(i / lanes) % BINS] ?? NaN);
    if (!Number.isSafeInteger(units)) return false;
  }
  return true;
}

/** Checks the sum of magnitudes and the number of terms of an exact sum that would be made. */
export function checkSum(problem: string, magnitude: number, count: number): void {
  checkInRange(count, { below: TERMS_BELOW }, problem, "fewer than 2^24 terms");
  checkInRange(
    magnitude,
    { below: SUM_BELOW },
    problem,
    "a sum of magnitudes below 2^40",
  );
}

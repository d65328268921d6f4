/**
 * Exact sums of weighted vectors.
 *
 * @module
 */

import { checkInRange } from "../base/check.ts";
import { ExactBins } from "./exact_bins.ts";
import { checkSum, ExactTotal, MOST_OF_TERM } from "./exact_total.ts";
import { exactWeight } from "./exact_weight.ts";
import type { ParameterVector } from "./manifest.ts";
import { largest } from "./operations.ts";

/** Number of float64 of the header of a saved sum: length, and the states of two totals. */
const HEADER = 16;
const PROBLEM = "Cannot add to an exact sum";

/**
 * Exact sum of weighted vectors, `Σ weight · vector`: the same, bit for bit, whatever the order and
 * the grouping of the terms, on every processor and in every build of the kernels.
 *
 * Demmel and Nguyen 2015, "Parallel Reproducible Summation": each product is exact in float64, and
 * is cut at the units of three bins, 2^-13, 2^-43 and 2^-73, each of which adds up its parts
 * without an error. A product is rounded to the nearest multiple of 2^-73, ties to even; after that
 * nothing is lost before {@linkcode ExactSum.finish}. The mean of a single vector is that vector,
 * down to values of 2^-49; smaller ones come back to the nearest multiple of `2^-73 / weight`, and
 * -0 as 0.
 *
 * The state takes 24 bytes for each value.
 *
 * @example Two sums that are merged
 * ```ts
 * import { ExactSum } from "@fedlab/core/params";
 * import { assertEquals } from "@std/assert";
 *
 * const sum = new ExactSum(2), other = new ExactSum(2);
 * sum.add(new Float32Array([1, 2]), 1);
 * other.add(new Float32Array([4, 8]), 2);
 * sum.merge(other);
 * const mean = new Float32Array(2);
 * sum.finish(mean);
 * assertEquals([...mean], [3, 6]);
 * ```
 */
export class ExactSum {
  /** Number of values of a vector. */
  readonly length: number;
  readonly #bins: ExactBins;
  readonly #weights = new ExactTotal();
  /** Sum of the largest magnitudes of the terms: no value of the sum exceeds it. */
  readonly #bound = new ExactTotal();

  /**
   * Makes a sum without terms.
   *
   * @param length Number of values of a vector.
   * @param like Vector in whose arena the state lies, if there is room in it.
   */
  constructor(length: number, like?: ParameterVector) {
    this.length = checkInRange(length, { whole: true, least: 0 }, "Cannot make an exact sum");
    this.#bins = new ExactBins(length, like);
  }

  /** Number of bytes that the state of a sum of vectors of that length takes in an arena. */
  static bytesOf(length: number): number {
    return ExactBins.bytesOf(length);
  }

  /** Number of terms. */
  get count(): number {
    return this.#weights.count;
  }

  /** Sum of the weights, itself exact before it is rounded to float64. */
  get weight(): number {
    return this.#weights.value;
  }

  /**
   * Adds a weighted vector.
   *
   * @param vector `length` finite values.
   * @param weight A number from 2^-30 to 2^38 of at most 29 significant bits; `exactWeight` rounds
   * others.
   * @throws {RangeError} If the length differs, the weight is another number, a value is not finite
   * or `weight · value` is above 2^38, the sum of all magnitudes would reach 2^40, or there are
   * 2^24 - 1 terms already. Nothing has changed then.
   */
  add(vector: Float32Array, weight: number): void {
    const most = this.check(vector, weight);
    this.#bound.add(most);
    this.#weights.add(weight);
    this.#bins.pass(vector, "in", (exports, bins, x, n) => exports.exact_add(bins, x, weight, n));
  }

  /**
   * Throws the error of {@linkcode ExactSum.add}, and changes nothing.
   *
   * @returns The largest magnitude of `weight · value`.
   */
  check(vector: Float32Array, weight: number): number {
    this.#checkLength(PROBLEM, vector);
    const most = checkTerm(vector, weight);
    this.#weights.check(weight);
    this.#bound.check(most);
    return most;
  }

  /**
   * Adds the terms of another sum.
   *
   * @throws {RangeError} If the lengths differ, or the two together are out of the range that
   * {@linkcode ExactSum.add} names. Nothing has changed then.
   */
  merge(other: ExactSum): void {
    this.checkMerge(other);
    this.#bound.merge(other.#bound);
    this.#weights.merge(other.#weights);
    this.#bins.merge(other.#bins);
  }

  /** Throws the error of {@linkcode ExactSum.merge}, and changes nothing. */
  checkMerge(other: ExactSum): void {
    this.#checkLength("Cannot merge the exact sums", other);
    this.#weights.checkMerge(other.#weights);
    this.#bound.checkMerge(other.#bound);
  }

  /**
   * Writes the sum, divided by a number and rounded to float32.
   *
   * @param out Receives `length` values.
   * @param divisor Default: the sum of the weights, so that the result is the mean.
   * @throws {RangeError} If the length differs, or the divisor is not above 0, as the sum of the
   * weights is without terms.
   */
  finish(out: Float32Array, divisor: number = this.weight): void {
    const problem = "Cannot finish the exact sum";
    this.#checkLength(problem, out);
    checkInRange(divisor, { above: 0 }, problem, "a divisor above 0");
    this.#bins.pass(
      out,
      "out",
      (exports, bins, out, n) => exports.exact_finish(out, bins, divisor, n),
    );
  }

  /** Removes all terms. */
  clear(): void {
    this.#bins.clear();
    this.#weights.clear();
    this.#bound.clear();
  }

  /** Number of bytes of a saved state. */
  get savedBytes(): number {
    return HEADER * Float64Array.BYTES_PER_ELEMENT + ExactBins.bytesOf(this.length);
  }

  /**
   * Writes the state as bytes: float64 in little-endian order. The state of equal terms is equal,
   * whatever their order and grouping.
   *
   * @param into Receives `savedBytes` bytes. Default: new memory.
   * @throws {RangeError} If `into` has another number of bytes.
   */
  save(into: Uint8Array = new Uint8Array(this.savedBytes)): Uint8Array {
    this.#checkBytes("Cannot save the exact sum", into);
    const header = new Float64Array(HEADER);
    header.set([this.length, ...this.#weights.save(), ...this.#bound.save()]);
    into.set(new Uint8Array(header.buffer));
    into.set(this.#bins.bytes, header.byteLength);
    return into;
  }

  /**
   * Replaces the state by one that {@linkcode ExactSum.save} wrote.
   *
   * @throws {RangeError} If the bytes are no state of a sum of this length. The sum has no terms
   * then.
   */
  restore(bytes: Uint8Array): void {
    const problem = "Cannot restore the exact sum";
    this.clear();
    this.#checkBytes(problem, bytes);
    const header = new Float64Array(HEADER);
    new Uint8Array(header.buffer).set(bytes.subarray(0, header.byteLength));
    this.#checkLength(problem, { length: header[0] ?? NaN });
    this.#bins.bytes.set(bytes.subarray(header.byteLength));
    try {
      if (!this.#bins.areValid) {
        throw new RangeError(`${problem}: expected its bins, got something else`);
      }
      this.#weights.restore(header.subarray(1, 6));
      this.#bound.restore(header.subarray(6, 11));
      checkSum(problem, this.#bound.value, this.count);
    } catch (error) {
      this.clear();
      throw error;
    }
  }

  #checkLength(problem: string, { length }: { readonly length: number }): void {
    if (length === this.length) return;
    throw new RangeError(`${problem}: expected ${this.length} values, got ${length}`);
  }

  #checkBytes(problem: string, { byteLength }: Uint8Array): void {
    if (byteLength === this.savedBytes) return;
    throw new RangeError(`${problem}: expected ${this.savedBytes} bytes, got ${byteLength}`);
  }
}

/**
 * Checks that a weighted vector can be a term of an exact sum.
 *
 * @returns The largest magnitude of `weight · value`.
 * @throws {RangeError} As {@linkcode ExactSum.add} for what does not depend on the sum.
 */
export function checkTerm(vector: Float32Array, weight: number): number {
  if (exactWeight(weight) !== weight) {
    throw new RangeError(
      `${PROBLEM}: expected a weight of at most 29 significant bits, got ${weight}`,
    );
  }
  const most = largest(vector);
  if (weight * most <= MOST_OF_TERM) return weight * most;
  throw new RangeError(
    Number.isFinite(most)
      ? `${PROBLEM}: expected values times their weight ${weight} of at most 2^38, got ${most}`
      : `${PROBLEM}: expected finite values, got ${most}`,
  );
}

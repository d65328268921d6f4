/**
 * Exact sums of a round.
 *
 * @module
 */

import { checkTerm, ExactSum } from "../../params/exact_sum.ts";
import { ExactTotal } from "../../params/exact_total.ts";
import { exactWeight } from "../../params/exact_weight.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { type Contribution, entryOf, type SumKind, type SumShape } from "./sums.ts";

/** Numbers of the state of a total. */
const TOTAL = 5;

/**
 * Exact sums of a round's contributions: the same, bit for bit, whatever the order and the grouping
 * of the updates. Weights are rounded to 29 significant bits, as by `exactWeight`; numbers of
 * samples up to 2^29 stay as they are.
 *
 * Parts of a round may be added up in several places and merged.
 *
 * @example Two halves of a round, on two machines
 * ```ts
 * import { ExactSums, FedAvg } from "@fedlab/core/strategy";
 * import { assertEquals } from "@std/assert";
 *
 * const strategy = new FedAvg(), global = new Float32Array(1);
 * const halves = [[1, 4], [7, 8]].map((values) => {
 *   const sums = new ExactSums(strategy.sums, global.length);
 *   const { contribution } = strategy.sumRound();
 *   for (const value of values) {
 *     const parameters = new Float32Array([value]);
 *     sums.add(contribution({ rank: 1, parameters, numSamples: 1 }));
 *   }
 *   return sums;
 * });
 * const round = strategy.begin(global, { ...info(), aggregation: "exact" });
 * for (const half of halves) round.merge?.(half);
 * assertEquals([...round.finish()], [5]);
 *
 * function info() {
 *   const plan = { epochs: 1, batchSize: 0, learningRate: 0.1, momentum: 0, weightDecay: 0 };
 *   return { round: 1, numClients: 4, plan: { ...plan, keepMomentum: false } };
 * }
 * ```
 */
export class ExactSums {
  /** Number of values of a vector. */
  readonly length: number;
  readonly #kinds: Readonly<Record<string, SumKind>>;
  readonly #vectors: Readonly<Record<string, ExactSum>>;
  readonly #figures: Readonly<Record<string, ExactTotal>>;

  /**
   * Makes sums without updates.
   *
   * @param shape The sums of the algorithm, `Strategy.sums`.
   * @param length Number of values of the global vector.
   * @param like Vector in whose arena the state lies, if there is room in it.
   */
  constructor({ vectors, figures = [] }: SumShape, length: number, like?: ParameterVector) {
    this.length = length;
    this.#kinds = vectors;
    this.#vectors = Object.fromEntries(
      Object.keys(vectors).map((name) => [name, new ExactSum(length, like)]),
    );
    this.#figures = Object.fromEntries(figures.map((name) => [name, new ExactTotal()]));
  }

  /** Number of bytes that the state of such sums takes in an arena. */
  static bytesOf({ vectors }: SumShape, length: number): number {
    return Object.keys(vectors).length * ExactSum.bytesOf(length);
  }

  /** Number of updates. */
  get count(): number {
    return Object.values(this.#vectors)[0]?.count ?? 0;
  }

  /**
   * Checks that a contribution can be added to sums without updates, and changes nothing.
   *
   * @throws {RangeError} If a term is missing, a weight is not from 2^-30 to 2^38, or a number or a
   * value times its weight is above 2^38.
   */
  check({ terms, figures = {} }: Contribution): void {
    for (const name of Object.keys(this.#vectors)) {
      const { vector, weight } = entryOf(terms, name);
      checkTerm(vector, exactWeight(weight));
    }
    const empty = new ExactTotal();
    for (const name of Object.keys(this.#figures)) empty.check(entryOf(figures, name));
  }

  /**
   * Adds an update.
   *
   * @throws {RangeError} As {@linkcode ExactSums.check}, or if a sum of magnitudes would reach 2^40
   * or there are 2^24 - 1 updates already. Nothing has changed then.
   */
  add({ terms, figures = {} }: Contribution): void {
    const vectors = Object.entries(this.#vectors).map(([name, sum]) => {
      const { vector, weight } = entryOf(terms, name);
      return { sum, vector, weight: exactWeight(weight) };
    });
    const numbers = Object.entries(this.#figures).map(([name, total]) => {
      return { total, number: entryOf(figures, name) };
    });
    // All are checked before one is changed; the first checks itself.
    for (const { sum, vector, weight } of vectors.slice(1)) sum.check(vector, weight);
    for (const { total, number } of numbers) total.check(number);
    for (const { sum, vector, weight } of vectors) sum.add(vector, weight);
    for (const { total, number } of numbers) total.add(number);
  }

  /**
   * Adds the updates of other sums of the same algorithm.
   *
   * @throws {RangeError} If they are of another shape or length, or the two together are out of
   * range. Nothing has changed then.
   */
  merge(other: ExactSums): void {
    const vectors = Object.entries(this.#vectors).map(([name, sum]) => {
      return { sum, part: entryOf(other.#vectors, name) };
    });
    const numbers = Object.entries(this.#figures).map(([name, sum]) => {
      return { sum, part: entryOf(other.#figures, name) };
    });
    for (const { sum, part } of vectors) sum.checkMerge(part);
    for (const { sum, part } of numbers) sum.checkMerge(part);
    for (const { sum, part } of vectors) sum.merge(part);
    for (const { sum, part } of numbers) sum.merge(part);
  }

  /** Returns the sum of the weights of a sum of vectors. */
  weight(name: string): number {
    return entryOf(this.#vectors, name).weight;
  }

  /** Returns a sum of numbers. */
  figure(name: string): number {
    return entryOf(this.#figures, name).value;
  }

  /** Writes the result of a sum of vectors, `length` values: its weighted mean or its total. */
  write(name: string, out: ParameterVector): void {
    const sum = entryOf(this.#vectors, name);
    if (this.#kinds[name] === "total") sum.finish(out, 1);
    else sum.finish(out);
  }

  /** Removes all updates. */
  clear(): void {
    for (const sum of Object.values(this.#vectors)) sum.clear();
    for (const total of Object.values(this.#figures)) total.clear();
  }

  /** Number of bytes of a saved state. */
  get savedBytes(): number {
    const vectors = Object.values(this.#vectors).reduce((sum, one) => sum + one.savedBytes, 0);
    return vectors + Object.keys(this.#figures).length * TOTAL * Float64Array.BYTES_PER_ELEMENT;
  }

  /**
   * Writes the state as bytes, which equal updates give in any order and grouping.
   *
   * @param into Receives `savedBytes` bytes. Default: new memory.
   * @throws {RangeError} If `into` has another number of bytes.
   */
  save(into: Uint8Array = new Uint8Array(this.savedBytes)): Uint8Array {
    this.#checkBytes("Cannot save the exact sums", into);
    let at = 0;
    for (const sum of Object.values(this.#vectors)) {
      sum.save(into.subarray(at, at + sum.savedBytes));
      at += sum.savedBytes;
    }
    const totals = Object.values(this.#figures).flatMap((total) => total.save());
    into.set(new Uint8Array(Float64Array.from(totals).buffer), at);
    return into;
  }

  /**
   * Replaces the state by one that {@linkcode ExactSums.save} wrote.
   *
   * @throws {RangeError} If the bytes are no state of these sums. They have no updates then.
   */
  restore(bytes: Uint8Array): void {
    this.#checkBytes("Cannot restore the exact sums", bytes);
    try {
      let at = 0;
      for (const sum of Object.values(this.#vectors)) {
        sum.restore(bytes.subarray(at, at + sum.savedBytes));
        at += sum.savedBytes;
      }
      const totals = new Float64Array(bytes.slice(at).buffer);
      Object.values(this.#figures).forEach((total, i) => {
        total.restore(totals.subarray(i * TOTAL, (i + 1) * TOTAL));
      });
    } catch (error) {
      this.clear();
      throw error;
    }
  }

  #checkBytes(problem: string, { byteLength }: Uint8Array): void {
    if (byteLength === this.savedBytes) return;
    throw new RangeError(`${problem}: expected ${this.savedBytes} bytes, got ${byteLength}`);
  }
}

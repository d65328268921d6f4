/**
 * Holding rows back for testing.
 *
 * @module
 */

import { Random } from "../base/random.ts";
import type { Dataset } from "./dataset.ts";

const DEFAULT_TEST_FRACTION = 1 / 6;

/** How {@linkcode trainTestSplit} splits; `testCount` and `testFraction` exclude each other. */
export interface TrainTestSplitOptions {
  /** Keys the random choice. An integer from 0 to 2^32 - 1. */
  seed: number;
  /** Number of test rows, from 1 to one less than there are rows. */
  testCount?: number;
  /** Share of the rows that are test rows, between 0 and 1; their number is rounded. Default 1/6. */
  testFraction?: number;
}

/** The two halves of a split. */
export interface TrainTestSplit {
  /** What is learned from. */
  readonly train: Dataset;
  /** What is held back. */
  readonly test: Dataset;
}

/**
 * Splits a data set at random into rows to learn from and rows to test on; both are copies.
 *
 * Throws a `TypeError` when a count and a fraction are given, and a `RangeError` when one of the sets would be empty.
 *
 * @example A quarter for testing
 * ```ts
 * import { Dataset, trainTestSplit } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const data = new Dataset(new Float32Array(8), new Int32Array(8), [1], 1);
 * const { train, test } = trainTestSplit(data, { seed: 1, testFraction: 0.25 });
 * assertEquals([train.length, test.length], [6, 2]);
 * ```
 */
export function trainTestSplit(dataset: Dataset, options: TrainTestSplitOptions): TrainTestSplit {
  const { seed, testCount, testFraction } = options;
  if (testCount !== undefined && testFraction !== undefined) {
    throw new TypeError("Cannot split the data: expected testCount or testFraction, got both");
  }
  if (testFraction !== undefined && !(testFraction > 0 && testFraction < 1)) {
    throw new RangeError(
      `Cannot split the data: expected a test fraction between 0 and 1, got ${testFraction}`,
    );
  }
  const count = testCount ?? Math.round(dataset.length * (testFraction ?? DEFAULT_TEST_FRACTION));
  if (!Number.isInteger(count) || count < 1 || count >= dataset.length) {
    throw new RangeError(
      `Cannot split the data: expected 1 to ${
        dataset.length - 1
      } test rows of ${dataset.length}, got ${count}`,
    );
  }
  const order = new Random(seed, "split").permutation(dataset.length);
  return {
    train: dataset.select(order.subarray(count)),
    test: dataset.select(order.subarray(0, count)),
  };
}

/** Whose rows {@linkcode holdOut} holds back, and how many. */
export interface HoldOutOptions {
  /** Share of the rows that is held back, between 0 and 1; their number is rounded, and at least 1. */
  share: number;
  /** Keys the random choice. An integer from 0 to 2^32 - 1. */
  seed: number;
  /** Which client this is, from 1, so that each draws its own; 0 for data that are nobody's part. */
  index: number;
}

/** A client's rows. */
export interface HeldOut {
  /** Those that it learns from. */
  readonly train: Uint32Array<ArrayBuffer>;
  /** Those that it is evaluated on. */
  readonly test: Uint32Array<ArrayBuffer>;
}

/**
 * Splits a client's rows at random into those that it learns from and those that it is evaluated on, each in the order in which they were.
 *
 * Throws a `RangeError` for a share that is not between 0 and 1, and for fewer than two rows.
 *
 * @example A quarter of each client's rows
 * ```ts
 * import { digits, holdOut, partition } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const parts = partition("iid", await digits(), { parts: 10, seed: 1 });
 * const held = parts.map((rows, i) => holdOut(rows, { share: 0.25, seed: 1, index: i + 1 }));
 * assertEquals([held[0]?.train.length, held[0]?.test.length], [134, 45]);
 * ```
 */
export function holdOut(
  rows: ArrayLike<number>,
  { share, seed, index }: HoldOutOptions,
): HeldOut {
  const { length } = rows;
  if (!(share > 0 && share < 1)) {
    throw new RangeError(
      `Cannot hold rows back: expected a share between 0 and 1, got ${share}`,
    );
  }
  if (length < 2) {
    const whose = index === 0 ? "" : ` of part ${index}`;
    throw new RangeError(`Cannot hold rows back${whose}: expected at least 2 rows, got ${length}`);
  }
  const count = Math.min(Math.max(1, Math.round(share * length)), length - 1);
  const order = new Random(seed, "split", { rank: index }).permutation(length);
  const take = (places: Uint32Array<ArrayBuffer>) => places.sort().map((place) => rows[place] ?? 0);
  return { train: take(order.slice(count)), test: take(order.slice(0, count)) };
}

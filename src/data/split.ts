/**
 * Holding rows back for testing.
 *
 * @module
 */

import { Random } from "../random.ts";
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

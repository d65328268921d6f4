/**
 * Splits into training and test data.
 *
 * @module
 */

import { Random } from "../base/random.ts";
import type { Dataset } from "./dataset.ts";

const DEFAULT_TEST_FRACTION = 1 / 6;

/** Options of {@linkcode trainTestSplit}; `testCount` and `testFraction` exclude each other. */
export interface TrainTestSplitOptions {
  /** Seed of the random choice, an integer from 0 to 2^32 - 1. */
  seed: number;
  /** Number of test rows, from 1 to one less than there are rows. */
  testCount?: number;
  /**
   * Share of test rows, between 0 and 1; their number is rounded.
   *
   * @default {1 / 6}
   */
  testFraction?: number;
}

/** Result of {@linkcode trainTestSplit}. */
export interface TrainTestSplit {
  /** Data to train on. */
  readonly train: Dataset;
  /** Data to test on. */
  readonly test: Dataset;
}

/**
 * Splits a data set at random into training and test data; both are copies.
 *
 * @throws {TypeError} If both a count and a fraction are given.
 * @throws {RangeError} If the training or the test data would be empty.
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

/** Options of {@linkcode holdOut}. */
export interface HoldOutOptions {
  /** Share of test rows, between 0 and 1; their number is rounded, and at least 1. */
  share: number;
  /** Seed of the random choice, an integer from 0 to 2^32 - 1. */
  seed: number;
  /** Number of the client, from 1; 0 for data that belong to no client. Each has its own choice. */
  index: number;
}

/** Rows of a client, split by {@linkcode holdOut}. */
export interface HeldOut {
  /** Rows to train on. */
  readonly train: Uint32Array<ArrayBuffer>;
  /** Rows to test on. */
  readonly test: Uint32Array<ArrayBuffer>;
}

/**
 * Splits the rows of a client at random into training and test rows, both in their original order.
 *
 * @throws {RangeError} If the share is not between 0 and 1, or there are fewer than two rows.
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

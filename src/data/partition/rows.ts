/**
 * Checks and operations on rows that partitions share.
 *
 * @module
 */

import { wrongLabels } from "../check_arrays.ts";
import { AT_LEAST_ONE, checkInRange } from "../../base/check.ts";
import { Dataset } from "../dataset.ts";
import type { Partition, PartitionData } from "./types.ts";

/** Returns true unless the data has targets of another kind than one class label of each row. */
export function hasLabels(data: PartitionData): boolean {
  return !(data instanceof Dataset) || data.task === "classification" && data.outputs === 1;
}

/**
 * Gives the label of each row.
 *
 * @throws {TypeError} If the data has no class labels.
 */
export function labelsOf(data: PartitionData): ArrayLike<number> {
  if (!(data instanceof Dataset)) return data;
  if (hasLabels(data)) return data.labels;
  throw wrongLabels("Cannot partition the data by labels", data);
}

/** Labels of rows, of which a report counts those of each part. */
export interface RowLabels {
  /** Number of rows. */
  readonly length: number;
  /** Label of each row; empty for data without class labels. */
  readonly labels: ArrayLike<number>;
  /** Number of classes, at least; the labels may have more. */
  readonly numClasses: number;
  /** Names of the classes, where the data have them. */
  readonly names?: readonly string[] | undefined;
}

/** Returns the labels of data without the features. */
export function rowLabels(data: PartitionData): RowLabels {
  const { numClasses, schema } = data instanceof Dataset
    ? data
    : { numClasses: 0, schema: undefined };
  const target = schema?.target;
  if (!hasLabels(data)) return { length: data.length, labels: [], numClasses: 0 };
  return {
    length: data.length,
    labels: labelsOf(data),
    numClasses,
    names: target?.task === "classification" ? target.classes : undefined,
  };
}

const PROBLEM = "Cannot partition the data";

/**
 * Checks a number of things.
 *
 * @throws {RangeError} If it is not a whole number from 1.
 */
export function checkCount(what: string, count: number): void {
  checkInRange(count, AT_LEAST_ONE, PROBLEM, `a whole number of ${what} from 1`);
}

/**
 * Checks that a value is in a range, both ends included.
 *
 * @throws {RangeError} If it is not.
 */
export function checkRange(what: string, value: number, least: number, most: number): void {
  checkInRange(value, { least, most }, PROBLEM, `${what} from ${least} to ${most}`);
}

/** Throws a `RangeError` unless there are `least` rows for each of the pieces. */
export function checkEnoughRows(rows: number, pieces: number, least = 1): void {
  if (rows < pieces * least) {
    const each = least === 1 ? "one row" : `${least} rows`;
    throw new RangeError(
      `Cannot partition the data: expected at least ${each} for each of ${pieces} pieces, got ${rows} rows`,
    );
  }
}

/** Cuts rows into runs whose sizes differ by at most one: views of the rows. */
export function cut(rows: Uint32Array<ArrayBuffer>, runs: number): Partition {
  checkEnoughRows(rows.length, runs);
  const parts: Partition = [];
  for (let i = 0, from = 0; i < runs; i++) {
    const to = Math.floor((i + 1) * rows.length / runs);
    parts.push(rows.subarray(from, to));
    from = to;
  }
  return parts;
}

/**
 * Cuts rows into runs of these sizes: views of the rows. A million views take a third of the memory
 * of as many arrays.
 */
export function cutSizes(
  rows: Uint32Array<ArrayBuffer>,
  sizes: ArrayLike<number>,
): Partition {
  const parts: Partition = [];
  for (let i = 0, from = 0; i < sizes.length; i++) {
    parts.push(rows.subarray(from, from += sizes[i] ?? 0));
  }
  return parts;
}

/**
 * Divides `total` into whole numbers in proportion to weights. Each differs from its exact share by
 * less than one.
 *
 * @param offset Start of the rounding, from 0 to 1. With a uniform draw each number is right on
 * average (systematic sampling).
 */
export function shareOut(weights: Float64Array, total: number, offset = 0): Uint32Array {
  // Loops are several times as fast as reduce() and from(): there may be many parts.
  let sum = 0, reached = 0, edge = 0;
  for (const weight of weights) sum += weight;
  const shares = new Uint32Array(weights.length);
  for (let i = 0; i < shares.length; i++) {
    reached += weights[i] ?? 0;
    const last = i === shares.length - 1;
    const next = last ? total : Math.min(total, Math.floor(reached / sum * total + offset));
    shares[i] = next - edge;
    edge = next;
  }
  return shares;
}

/** Groups rows by label, in the order of labels and then of rows. */
export function rowsByLabel(labels: ArrayLike<number>): Map<number, Uint32Array<ArrayBuffer>> {
  const counts = new Map<number, number>();
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] ?? 0;
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([a], [b]) => a - b);
  const rows = new Map(sorted.map(([label, count]) => [label, new Uint32Array(count)]));
  counts.clear();
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] ?? 0;
    const filled = counts.get(label) ?? 0;
    const own = rows.get(label);
    if (own) own[filled] = row;
    counts.set(label, filled + 1);
  }
  return rows;
}

/** Concatenates the runs of rows of each part: views of one array. */
export function joinParts(parts: readonly (readonly Uint32Array[])[]): Partition {
  const sizes = parts.map((runs) => runs.reduce((sum, run) => sum + run.length, 0));
  return cutSizes(joinRows(parts.flat()), sizes);
}

/** Concatenates runs of rows. */
export function joinRows(runs: readonly Uint32Array[]): Uint32Array<ArrayBuffer> {
  const joined = new Uint32Array(runs.reduce((sum, run) => sum + run.length, 0));
  let filled = 0;
  for (const run of runs) {
    joined.set(run, filled);
    filled += run.length;
  }
  return joined;
}

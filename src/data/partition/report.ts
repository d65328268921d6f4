/**
 * Statistics of a partition.
 *
 * @module
 */

import { checkEnoughRows, type RowLabels, rowLabels } from "./rows.ts";
import type { Partition, PartitionData } from "./types.ts";

/** Statistics of a part. */
export interface PartReport {
  /** Number of rows. */
  readonly size: number;
  /** Number of rows of each label; empty for data without class labels. */
  readonly labels: readonly number[];
}

/** Statistics of a partition. */
export interface PartitionReport {
  /** Number of rows in all parts. */
  readonly rows: number;
  /** Sizes of parts, in rows. */
  readonly sizes: { readonly smallest: number; readonly median: number; readonly largest: number };
  /** Number of labels in a part. */
  readonly labelsPerPart: {
    readonly fewest: number;
    readonly mean: number;
    readonly most: number;
  };
  /**
   * Mean over the parts of the total variation distance ½ Σ_k |p_ik - p_k| between the label
   * distributions of a part and of all data: 0 for equal distributions, near 1 for parts of one
   * label among many.
   */
  readonly meanTotalVariation: number;
  /** Statistics of each part. */
  readonly parts: readonly PartReport[];
}

/**
 * Counts the labels of each part and computes statistics of the partition.
 *
 * @throws {RangeError} If there are no parts, a part is empty, or there is no such row.
 *
 * @example Two parts that share no label
 * ```ts
 * import { partitionReport } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const report = partitionReport([Uint32Array.of(0, 1), Uint32Array.of(2, 3)], [0, 0, 1, 1]);
 * assertEquals(report.parts[1], { size: 2, labels: [0, 2] });
 * assertEquals(report.meanTotalVariation, 0.5);
 * ```
 */
export function partitionReport(parts: Partition, data: PartitionData): PartitionReport {
  return reportOf(parts, rowLabels(data));
}

/** Makes the report of {@linkcode partitionReport} from the labels of the rows. */
export function reportOf(parts: Partition, data: RowLabels): PartitionReport {
  const { labels } = data;
  checkEnoughRows(parts.length, 1);
  let classes = data.numClasses;
  for (let row = 0; row < labels.length; row++) {
    classes = Math.max(classes, (labels[row] ?? 0) + 1);
  }
  const whole = new Array<number>(classes).fill(0);
  for (let row = 0; row < labels.length; row++) count(whole, labels[row] ?? 0);
  const reports = parts.map((rows, part): PartReport => {
    if (rows.length === 0) {
      throw new RangeError(`Cannot report on the partition: part ${part + 1} has no rows`);
    }
    const counts = new Array<number>(classes).fill(0);
    for (const row of rows) {
      if (row >= data.length) {
        throw new RangeError(
          `Cannot report on the partition: expected rows below ${data.length}, got ${row}`,
        );
      }
      if (classes > 0) count(counts, labels[row] ?? 0);
    }
    return { size: rows.length, labels: counts };
  });
  const sizes = Float64Array.from(reports, ({ size }) => size).sort();
  const held = Float64Array.from(reports, ({ labels }) => labels.filter((n) => n > 0).length)
    .sort();
  const distance = ({ size, labels: own }: PartReport) =>
    own.reduce(
      (sum, n, label) => sum + Math.abs(n / size - (whole[label] ?? 0) / labels.length) / 2,
      0,
    );
  return {
    rows: sizes.reduce((a, b) => a + b),
    sizes: { smallest: sizes[0] ?? 0, median: median(sizes), largest: sizes.at(-1) ?? 0 },
    labelsPerPart: {
      fewest: held[0] ?? 0,
      mean: held.reduce((a, b) => a + b) / held.length,
      most: held.at(-1) ?? 0,
    },
    meanTotalVariation: reports.reduce((sum, part) => sum + distance(part), 0) / reports.length,
    parts: reports,
  };
}

function count(counts: number[], label: number): void {
  counts[label] = (counts[label] ?? 0) + 1;
}

/** Gives the median of sorted numbers. */
function median(sorted: Float64Array): number {
  const low = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return (low + (sorted[Math.floor(sorted.length / 2)] ?? 0)) / 2;
}

/**
 * Bins of histograms. A bin contains its lower edge and not its upper edge; the first one contains
 * all smaller numbers too, and the last one all larger ones.
 *
 * @module
 */

import type { BinGroup } from "../../wire/messages/statistics.ts";

/** Range of a histogram and its number of bins. */
export interface BinRange {
  /** Lower bound. */
  readonly low: number;
  /** Upper bound. */
  readonly high: number;
  /** Number of bins. */
  readonly bins: number;
}

/** Returns the lower edge of a bin; for `index` equal to `bins` the upper bound. */
export function binEdge({ low, high, bins }: BinRange, index: number): number {
  // The difference of two large numbers may be infinite.
  return index >= bins ? high : low * (1 - index / bins) + high * (index / bins);
}

/** Returns the bin of a number. */
export function binOf(x: number, range: BinRange): number {
  const { low, high, bins } = range;
  if (x <= low || high <= low) return 0;
  if (x >= high) return bins - 1;
  let bin = Math.min(bins - 1, Math.floor((x / 2 - low / 2) / (high / 2 - low / 2) * bins));
  while (bin > 0 && x < binEdge(range, bin)) bin--;
  while (bin < bins - 1 && x >= binEdge(range, bin + 1)) bin++;
  return bin;
}

/**
 * Joins neighbouring bins until each group has at least `minCount` rows. Rows that are left over at
 * the end belong to the last group.
 *
 * @returns The groups; none if there are fewer rows in all.
 */
export function groupBins(rows: ArrayLike<number>, minCount: number): BinGroup[] {
  const groups: [first: number, last: number, rows: number][] = [];
  let first = -1, last = -1, sum = 0;
  for (let bin = 0; bin < rows.length; bin++) {
    const count = rows[bin] ?? 0;
    if (count === 0) continue;
    if (sum === 0) first = bin;
    last = bin;
    sum += count;
    if (sum < minCount) continue;
    groups.push([first, last, sum]);
    sum = 0;
  }
  const end = groups.at(-1);
  if (end && sum > 0) {
    end[1] = last;
    end[2] += sum;
  }
  return groups;
}

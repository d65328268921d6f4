/**
 * Quantiles of numbers that are known by histograms or by the counts of their values.
 *
 * @module
 */

import type { BinGroup } from "../../wire/messages/statistics.ts";
import { binEdge, type BinRange } from "./bins.ts";
import type { Histogram, Quantile, ValueCount } from "./summary.ts";

/** Estimate of a number, and its largest possible error. */
interface Estimate {
  readonly value: number;
  readonly error: number;
}

/** Histograms of several sites over the same bins. */
export interface SiteHistograms {
  readonly range: BinRange;
  /** Is true if all numbers are whole: one whole number in a range is known exactly. */
  readonly areWhole?: boolean;
  /** Groups of bins of each site. */
  readonly groups: readonly (readonly BinGroup[])[];
}

/**
 * Estimates quantiles as `numpy.quantile` defines them: between the two numbers next to the place
 * `share * (n - 1)` in sorted order. The error is at most the width of a bin where every bin has
 * `minCount` rows at each site that has rows in it, else that of the joined bins.
 */
export function histogramQuantiles(
  histograms: SiteHistograms,
  shares: readonly number[],
): Quantile[] {
  const places = new Places(histograms);
  return shares.map((share) => quantileOf(share, places.count, (index) => places.estimate(index)));
}

/** Cuts a quantile and its error at bounds that the quantile is known to lie between. */
export function cutQuantile(
  { share, value, error }: Quantile,
  low: number,
  high: number,
): Quantile {
  const cut = (x: number) => Math.min(high, Math.max(low, x));
  const [least, inside, most] = [cut(value - error), cut(value), cut(value + error)];
  return { share, value: inside, error: Math.max(inside - least, most - inside) };
}

/** Computes quantiles of numbers whose counts are known: without error. */
export function countQuantiles(
  counts: readonly ValueCount[],
  shares: readonly number[],
): Quantile[] {
  const sorted = counts.map(([text, rows]) => [Number(text), rows] as const)
    .sort(([a], [b]) => a - b);
  const count = sorted.reduce((sum, [, rows]) => sum + rows, 0);
  const at = (index: number): Estimate => {
    let below = 0;
    const found = sorted.find(([, rows]) => (below += rows) > index);
    return { value: found?.[0] ?? NaN, error: 0 };
  };
  return shares.map((share) => quantileOf(share, count, at));
}

function quantileOf(share: number, count: number, at: (index: number) => Estimate): Quantile {
  const place = share * (count - 1);
  const index = Math.min(count - 1, Math.floor(place));
  const weight = place - index;
  const [a, b] = [at(index), at(Math.min(count - 1, index + 1))];
  return {
    share,
    value: a.value * (1 - weight) + b.value * weight,
    error: a.error * (1 - weight) + b.error * weight,
  };
}

/** Numbers in sorted order, as far as histograms tell their places. */
class Places {
  /** Number of numbers. */
  readonly count: number;
  readonly #range: BinRange;
  readonly #areWhole: boolean;
  /** Rows that may be in a bin or before it, that surely are, and that are if spread evenly. */
  readonly #most: Float64Array;
  readonly #least: Float64Array;
  readonly #spread: Float64Array;

  constructor(histograms: SiteHistograms) {
    const { range, range: { bins }, groups } = histograms;
    this.#range = range;
    this.#areWhole = histograms.areWhole ?? false;
    this.#most = new Float64Array(bins);
    this.#least = new Float64Array(bins);
    this.#spread = spreadRows(histograms);
    for (const list of groups) {
      for (const [first, last, rows] of list) {
        this.#most[first] = (this.#most[first] ?? 0) + rows;
        this.#least[last] = (this.#least[last] ?? 0) + rows;
      }
    }
    for (const list of [this.#most, this.#least, this.#spread]) {
      for (let i = 1; i < bins; i++) list[i] = (list[i] ?? 0) + (list[i - 1] ?? 0);
    }
    this.count = this.#least.at(-1) ?? 0;
  }

  /** Estimates the number at a place of the sorted order, from 0. */
  estimate(index: number): Estimate {
    const low = binEdge(this.#range, this.#most.findIndex((rows) => rows > index));
    const high = binEdge(this.#range, this.#least.findIndex((rows) => rows > index) + 1);
    const isLast = high >= this.#range.high;
    const whole = Math.ceil(low);
    const isOne = whole <= high && (isLast ? whole + 1 > high : whole + 1 >= high);
    if (this.#areWhole && isOne) return { value: whole, error: 0 };
    // Rounding may leave the last sum a little below the count.
    const found = this.#spread.findIndex((rows) => rows > index);
    const bin = found < 0 ? this.#range.bins - 1 : found;
    const before = bin === 0 ? 0 : this.#spread[bin - 1] ?? 0;
    const inside = (this.#spread[bin] ?? 0) - before;
    const part = inside > 0 ? Math.min(1, (index + 0.5 - before) / inside) : 0.5;
    const [from, to] = [binEdge(this.#range, bin), binEdge(this.#range, bin + 1)];
    const value = Math.min(high, Math.max(low, from * (1 - part) + to * part));
    return { value, error: Math.max(value - low, high - value) };
  }
}

/** Spreads the rows of each group evenly over its bins. */
function spreadRows({ range: { bins }, groups }: SiteHistograms): Float64Array {
  const spread = new Float64Array(bins);
  for (const list of groups) {
    for (const [first, last, rows] of list) {
      const each = rows / (last - first + 1);
      for (let bin = first; bin <= last; bin++) spread[bin] = (spread[bin] ?? 0) + each;
    }
  }
  return spread;
}

/** Joins histograms of several sites to one with fewer bins, whose number divides theirs. */
export function joinHistograms(histograms: SiteHistograms, bins: number): Histogram {
  const { low, high, bins: fine } = histograms.range;
  const spread = spreadRows(histograms);
  const counts = new Array<number>(bins).fill(0);
  spread.forEach((rows, i) => {
    const bin = Math.floor(i * bins / fine);
    counts[bin] = (counts[bin] ?? 0) + rows;
  });
  // Sums of fractions of rows that are whole in fact.
  const whole = counts.map((rows) =>
    Math.abs(rows - Math.round(rows)) < 1e-9 ? Math.round(rows) : rows
  );
  return { low, high, counts: whole };
}

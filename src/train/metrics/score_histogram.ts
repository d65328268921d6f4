/**
 * Histograms of scores, and the areas under the curves that they give.
 *
 * @module
 */

import { MOST_CODES, type ScoreBins, scoreBins } from "../../params/score_bins.ts";
import { addScoreBins } from "../../params/score_sums.ts";
import { MAX_SCORE_BINS, SCORE_BINS, type ScoreHistogram } from "../../plan/metric_sums.ts";

/** Bins of one unit of the logit, up to the size `LINEAR`. */
const RESOLUTION = 65_536;
/** Size of a logit up to which bins are equally wide; beyond it they grow with the logit. */
const LINEAR = 8;

/** Histogram without scores. */
export const NO_SCORES: ScoreHistogram = { shift: 0, bins: [] };
const NO_BINS: ScoreBins = { shift: 0, bins: new Float64Array() };

/** Returns the bin of a logit at full resolution. */
export function binOf(logit: number): number {
  const size = Math.abs(logit);
  const place = size <= LINEAR ? size : LINEAR * (1 + Math.log(size / LINEAR));
  const bin = SCORE_BINS / 2 + Math.floor(Math.sign(logit) * place * RESOLUTION);
  return Math.max(0, Math.min(SCORE_BINS - 1, bin));
}

/** Returns the most bins of each of several histograms. */
export function mostBins(histograms: number): number {
  return Math.floor(MAX_SCORE_BINS / histograms);
}

/** Bins of histograms as kernels take them. */
const packed = new WeakMap<ScoreHistogram, ScoreBins>();

/** Makes a histogram of bins from a kernel, whose list is made only where something reads it. */
export function histogramOf(bins: ScoreBins): ScoreHistogram {
  let list: readonly number[] | undefined;
  const histogram = {
    shift: bins.shift,
    get bins() {
      return list ??= listOf(bins.bins);
    },
  };
  packed.set(histogram, bins);
  return histogram;
}

/** Returns the bins of a histogram as kernels take them. */
export function binsOf(histogram: ScoreHistogram): ScoreBins {
  const { shift } = histogram;
  return packed.get(histogram) ?? { shift, bins: new Float64Array(histogram.bins) };
}

function listOf(values: Float64Array): readonly number[] {
  const list: number[] = [];
  // A loop takes a twentieth of the time of Array.from().
  for (let i = 0; i < values.length; i++) list.push(values[i] ?? 0);
  return list;
}

/**
 * Adds histograms. It joins bins in pairs until at most `most` are occupied. The result depends on
 * the scores alone, not on the order or the number of the histograms that they were in.
 */
export function addHistograms(all: readonly ScoreHistogram[], most: number): ScoreHistogram {
  const [first = NO_SCORES] = all;
  if (all.length <= 1) return first;
  // In pairs: many small histograms are not added to a large one each.
  let left = all.map(binsOf);
  while (left.length > 1) {
    const pairs: ScoreBins[] = [];
    for (let i = 0; i < left.length; i += 2) {
      const one = left[i] ?? NO_BINS, other = left[i + 1];
      pairs.push(other ? addScoreBins(one, other, most) : one);
    }
    left = pairs;
  }
  return histogramOf(left[0] ?? NO_BINS);
}

/** Collects scores in a histogram. */
export class ScoreTally {
  readonly #most: number;
  readonly #codes = new Int32Array(MOST_CODES);
  #collected = 0;
  #histogram = NO_SCORES;
  /** Codes that were added last: the kernel runs where they are. */
  #last: Int32Array = this.#codes;

  /** Makes a histogram of at most `most` bins. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Adds the logit of a row that is of the class or not. */
  add(logit: number, isPositive: boolean): void {
    if (this.#collected === MOST_CODES) this.#flush();
    this.#codes[this.#collected++] = 2 * binOf(logit) + (isPositive ? 1 : 0);
  }

  /** Adds rows by twice the bin of each, and one more where the row is of the class. */
  addCodes(codes: Int32Array): void {
    if (this.#collected + codes.length > MOST_CODES) this.#flush();
    this.#codes.set(codes, this.#collected);
    this.#collected += codes.length;
    this.#last = codes;
  }

  /** The histogram of all scores so far. */
  get histogram(): ScoreHistogram {
    this.#flush();
    return this.#histogram;
  }

  #flush(): void {
    if (this.#collected === 0) return;
    const most = this.#most, before = this.#histogram;
    const codes = this.#codes.subarray(0, this.#collected);
    this.#collected = 0;
    const fresh = histogramOf(scoreBins(codes, most, this.#last));
    this.#histogram = before === NO_SCORES ? fresh : addHistograms([before, fresh], most);
  }
}

/**
 * Computes the area under the ROC curve: the chance that a row of the class has a higher score than
 * another one, where scores in one bin count as equal, by half (Hanley and McNeil 1982).
 *
 * @returns The area; `undefined` without rows of the class or without others.
 */
export function rocAuc(histogram: ScoreHistogram): number | undefined {
  let pairs = 0, below = 0, total = 0;
  const { bins } = binsOf(histogram);
  for (let i = 0; i < bins.length; i += 3) {
    const negatives = bins[i + 1] ?? 0, positives = bins[i + 2] ?? 0;
    pairs += positives * (below + negatives / 2);
    below += negatives;
    total += positives;
  }
  return below > 0 && total > 0 ? pairs / (below * total) : undefined;
}

/**
 * Computes the average precision, `Σ (R_n - R_(n-1)) P_n` over falling thresholds. Scores in a bin
 * at full resolution count as equal and pass together; those in joined bins pass one by one, in an
 * order of which the mean is taken.
 *
 * @returns The average precision; `undefined` without rows of the class.
 */
export function averagePrecision(histogram: ScoreHistogram): number | undefined {
  const { shift, bins } = binsOf(histogram);
  let sum = 0, passed = 0, hits = 0;
  // A bin mostly begins where the last one ended.
  let reached = 0, harmonic = 0;
  for (let i = bins.length - 3; i >= 0; i -= 3) {
    const positives = bins[i + 2] ?? 0, rows = (bins[i + 1] ?? 0) + positives;
    if (shift === 0) sum += positives * (hits + positives) / (passed + rows);
    else if (positives > 0) {
      const before = passed === reached ? harmonic : harmonicNumber(passed);
      reached = passed + rows;
      harmonic = harmonicNumber(reached);
      sum += meanPrecision({ hits, passed, positives, rows }, harmonic - before);
    }
    passed += rows;
    hits += positives;
  }
  return hits > 0 ? sum / hits : undefined;
}

/** Rows of a joined bin, and those that have passed the threshold before them. */
interface JoinedBin {
  readonly hits: number;
  readonly passed: number;
  readonly positives: number;
  readonly rows: number;
}

/**
 * Computes the sum of the precisions at the positive rows of a bin, as the mean over all orders of
 * its rows. The row at place `j` is positive with probability `p / n`, after `(j-1)(p-1)/(n-1)`
 * others on average: `p/n Σ_j (h + 1 + (j-1) b) / (m + j)` with `b = (p-1)/(n-1)`. `harmonic` is
 * `Σ_j 1 / (m + j)`.
 */
function meanPrecision({ hits, passed, positives, rows }: JoinedBin, harmonic: number): number {
  const slope = rows > 1 ? (positives - 1) / (rows - 1) : 0;
  const level = hits + 1 - slope * (passed + 1);
  return positives / rows * (slope * rows + level * harmonic);
}

/** Returns `1 + 1/2 + … + 1/n`, by its asymptotic series for a large `n`. */
function harmonicNumber(n: number): number {
  const EULER = 0.577_215_664_901_532_9;
  if (n >= 64) return Math.log(n) + EULER + 1 / (2 * n) - 1 / (12 * n * n);
  let sum = 0;
  for (let i = 1; i <= n; i++) sum += 1 / i;
  return sum;
}

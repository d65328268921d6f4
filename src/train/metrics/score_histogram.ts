/**
 * Histograms of scores, and the areas under the curves that they give.
 *
 * @module
 */

import { MAX_SCORE_BINS, SCORE_BINS, type ScoreHistogram } from "../../plan/metric_sums.ts";

/** Bins of one unit of the logit, up to the size `LINEAR`. */
const RESOLUTION = 65_536;
/** Size of a logit up to which bins are equally wide; beyond it they grow with the logit. */
const LINEAR = 8;
/** Scores that are collected before they are sorted. */
const COLLECTED = 16_384;

/** One bin of a histogram. */
interface Bin {
  readonly at: number;
  readonly negatives: number;
  readonly positives: number;
}

/** Histogram without scores. */
export const NO_SCORES: ScoreHistogram = { shift: 0, bins: [] };

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

/** Lists the bins of a histogram at a shift that is not below its own. */
function binsAt({ shift, bins }: ScoreHistogram, wanted: number): Bin[] {
  const joined: Bin[] = [], factor = 2 ** (wanted - shift);
  let place = 0;
  for (let i = 0; i < bins.length; i += 3) {
    place += bins[i] ?? 0;
    const at = Math.floor(place / factor);
    append(joined, { at, negatives: bins[i + 1] ?? 0, positives: bins[i + 2] ?? 0 });
  }
  return joined;
}

/** Appends a bin, or adds it to the last one if that is at the same place. */
function append(bins: Bin[], bin: Bin): void {
  const last = bins.at(-1);
  if (last?.at !== bin.at) bins.push(bin);
  else bins[bins.length - 1] = sumOf(last, bin);
}

function sumOf(a: Bin, b: Bin): Bin {
  return {
    at: a.at,
    negatives: a.negatives + b.negatives,
    positives: a.positives + b.positives,
  };
}

/** Adds lists of bins at the same shift. */
function union(a: readonly Bin[], b: readonly Bin[]): Bin[] {
  const bins: Bin[] = [];
  for (let i = 0, k = 0; i < a.length || k < b.length;) {
    const left = a[i], right = b[k];
    if (left && (!right || left.at <= right.at)) i++;
    else k++;
    const next = left && (!right || left.at <= right.at) ? left : right;
    if (next) append(bins, next);
  }
  return bins;
}

/**
 * Adds two histograms. It joins bins in pairs until at most `most` are occupied. The result depends
 * on the scores alone, not on the order or the number of the histograms that they were in.
 */
export function addHistograms(
  a: ScoreHistogram,
  b: ScoreHistogram,
  most: number,
): ScoreHistogram {
  let shift = Math.max(a.shift, b.shift);
  let bins = union(binsAt(a, shift), binsAt(b, shift));
  for (; bins.length > most; shift++) bins = halved(bins);
  const flat: number[] = [];
  let before = 0;
  for (const { at, negatives, positives } of bins) {
    flat.push(at - before, negatives, positives);
    before = at;
  }
  return { shift, bins: flat };
}

function halved(bins: readonly Bin[]): Bin[] {
  const joined: Bin[] = [];
  for (const bin of bins) append(joined, { ...bin, at: Math.floor(bin.at / 2) });
  return joined;
}

/** Collects scores in a histogram. */
export class ScoreTally {
  readonly #most: number;
  readonly #codes = new Int32Array(COLLECTED);
  #collected = 0;
  #histogram = NO_SCORES;

  /** Makes a histogram of at most `most` bins. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Adds the logit of a row that is of the class or not. */
  add(logit: number, isPositive: boolean): void {
    if (this.#collected === COLLECTED) this.#flush();
    this.#codes[this.#collected++] = 2 * binOf(logit) + (isPositive ? 1 : 0);
  }

  /** The histogram of all scores so far. */
  get histogram(): ScoreHistogram {
    this.#flush();
    return this.#histogram;
  }

  #flush(): void {
    const bins: number[] = [];
    let before = 0;
    for (const code of this.#codes.subarray(0, this.#collected).sort()) {
      const at = code >> 1, positives = code & 1;
      if (bins.length === 0 || at > before) bins.push(at - before, 1 - positives, positives);
      else {
        const last = bins.length - 2 + positives;
        bins[last] = (bins[last] ?? 0) + 1;
      }
      before = at;
    }
    this.#collected = 0;
    this.#histogram = addHistograms(this.#histogram, { shift: 0, bins }, this.#most);
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
  for (const { negatives, positives } of binsAt(histogram, histogram.shift)) {
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
  const { shift } = histogram;
  let sum = 0, passed = 0, hits = 0;
  for (const { negatives, positives } of binsAt(histogram, shift).reverse()) {
    const rows = negatives + positives;
    if (shift === 0) sum += positives * (hits + positives) / (passed + rows);
    else if (positives > 0) sum += meanPrecision({ hits, passed, positives, rows });
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
 * others on average: `p/n Σ_j (h + 1 + (j-1) b) / (m + j)` with `b = (p-1)/(n-1)`.
 */
function meanPrecision({ hits, passed, positives, rows }: JoinedBin): number {
  const slope = rows > 1 ? (positives - 1) / (rows - 1) : 0;
  const level = hits + 1 - slope * (passed + 1);
  const harmonic = harmonicNumber(passed + rows) - harmonicNumber(passed);
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

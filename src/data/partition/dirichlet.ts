/**
 * The partition whose parts draw their label distributions from a Dirichlet distribution.
 *
 * @module
 */

import { Random } from "../../base/random.ts";
import {
  checkCount,
  checkRange,
  checkRows,
  join,
  labelsOf,
  type Partition,
  type PartitionData,
  type PartitionSeedOptions,
  rowsByLabel,
  shareOut,
} from "./rows.ts";
import { logDirichlet, relative } from "./draws.ts";

const DEFAULT_TRIES = 100;

/** So many parts that fall short by chance do not all come right in one of the tries. */
const MANY_SHORT = 30;
/** Draws, beyond one more for each part, after which no more are made while so many are short. */
const MOST_DRAWS = 50_000;
/** The share of all rows that short parts are filled up with, at most: the rest are dealt by the distribution. */
const MOST_MOVED = 0.05;

/** How {@linkcode partitionDirichlet} deals. */
export interface PartitionDirichletOptions extends PartitionSeedOptions {
  /** Concentration for each label, from 1e-6 (one label a part) to 1e6 (parts like the whole). Default 0.5. */
  alpha?: number;
  /** Rows that each part has at least. Default 1. */
  minSize?: number;
  /** How often at most parts that fell short of `minSize` are drawn again before they are filled up. Default 100. */
  tries?: number;
  /** Whether sizes are equal, to within one row. Default false. */
  balanced?: boolean;
}

/** Fails unless alpha is in its range. */
export function checkAlpha(alpha: number): void {
  checkRange("an alpha", alpha, 1e-6, 1e6);
}

/**
 * Draws a label distribution for each part from a Dirichlet distribution and deals the rows out by them: the smaller
 * `alpha`, the fewer labels has a part.
 *
 * Part i draws q_i ~ Dir(alpha · L · p), where p is the labels' distribution in the data and L their number; for classes of
 * equal size that is Dir(alpha, ..., alpha). Then label k's rows go to part i in proportion to q_ik / Σ_j q_jk, rounded so
 * that it is right on average; sizes differ. Parts with fewer than `minSize` rows draw again, `tries`
 * times at most, and fewer where many parts stay short. Those that are short in the end draw what they lack, label by label from
 * their q_i, and each time the largest part that has the label gives a row; so long as that moves no more than a twentieth of
 * all rows.
 *
 * With `balanced`, all parts have one size: they take turns, each draws a label from its q_i, among those that have rows
 * left, and takes a row of it. When labels run out, the last rows of a part follow its q_i less.
 *
 * The parts are disjoint and cover all rows. Throws a `RangeError` when `parts` or `minSize` is below 1, `alpha` is out of range,
 * there are fewer than `parts · minSize` rows, or more than a twentieth of all rows is lacking to parts below `minSize`.
 *
 * Hsu, Qi and Brown 2019, "Measuring the Effects of Non-Identical Data Distribution for Federated Visual Classification";
 * their Dir(α p) is `alpha` = α / L here.
 *
 * @example Few labels for each client
 * ```ts
 * import { partitionDirichlet } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const labels = Array.from({ length: 1000 }, (_, row) => row % 10);
 * const parts = partitionDirichlet(labels, 20, { seed: 1, alpha: 0.1, minSize: 10 });
 * assertEquals(parts.length, 20);
 * ```
 */
export function partitionDirichlet(
  data: PartitionData,
  parts: number,
  options: PartitionDirichletOptions,
): Partition {
  const { seed, alpha = 0.5, minSize = 1, tries = DEFAULT_TRIES, balanced = false } = options;
  checkCount("parts", parts);
  checkCount("rows of the smallest part", minSize);
  checkCount("tries", tries);
  checkAlpha(alpha);
  const labels = labelsOf(data);
  checkRows(labels.length, parts, minSize);
  const random = new Random(seed, "partition");
  const rows = [...rowsByLabel(labels).values()].map((own) => random.shuffle(own));
  const concentrations = Float64Array.from(
    rows,
    ({ length }) => alpha * rows.length * length / labels.length,
  );
  const draw = () => logDirichlet(random, concentrations);
  const mixes = Array.from({ length: parts }, draw);
  if (balanced) return takeTurns(random, rows, mixes);
  const weights = rows.map((_, label) => new LabelWeights(mixes, label, random.uniform()));
  let drawn = 0;
  for (let i = 1;; i++) {
    const counts = rows.map(({ length }, label) => weights[label]?.share(length) ?? NO_ROWS);
    const sizes = sizesOf(counts, parts);
    const short = sizes.keys().filter((part) => (sizes[part] ?? 0) < minSize).toArray();
    const isVain = short.length > MANY_SHORT && drawn > parts + MOST_DRAWS;
    if (short.length > 0 && i < tries && !isVain) {
      drawn += short.length;
      for (const part of short) {
        mixes[part] = draw();
        for (const ofLabel of weights) ofLabel.renew(part);
      }
      continue;
    }
    const lacking = short.reduce((sum, part) => sum + minSize - (sizes[part] ?? 0), 0);
    if (lacking > MOST_MOVED * labels.length) {
      const smallest = sizes.reduce((a, b) => Math.min(a, b));
      throw new RangeError(
        `Cannot partition the data: expected at least ${minSize} rows in each of ${parts} parts, got ${smallest} by a Dirichlet distribution with alpha ${alpha} after ${i} tries, take balanced, fewer parts or a lower min=`,
      );
    }
    fillUp(random, mixes, counts, minSize);
    return hand(rows, counts, parts);
  }
}

const NO_ROWS = new Uint32Array();

/** Number of rows of each part, of all labels. */
function sizesOf(counts: readonly Uint32Array[], parts: number): Uint32Array {
  const sizes = new Uint32Array(parts);
  for (const own of counts) {
    for (let part = 0; part < parts; part++) sizes[part] = (sizes[part] ?? 0) + (own[part] ?? 0);
  }
  return sizes;
}

/** The parts' weights of one label. Those of parts that do not draw again are kept from try to try. */
class LabelWeights {
  readonly #logs: Float64Array;
  readonly #mixes: readonly Float64Array[];
  readonly #label: number;
  readonly #offset: number;
  #greatest = NaN;
  #weights: Float64Array = new Float64Array();

  /** Rounding of shares begins at `offset`. */
  constructor(mixes: readonly Float64Array[], label: number, offset: number) {
    this.#logs = Float64Array.from(mixes, (mix) => mix[label] ?? 0);
    this.#mixes = mixes;
    this.#label = label;
    this.#offset = offset;
  }

  /** Takes over what a part has drawn. */
  renew(part: number): void {
    const log = this.#mixes[part]?.[this.#label] ?? 0;
    this.#logs[part] = log;
    this.#weights[part] = Math.exp(log - this.#greatest);
  }

  /** Shares out the rows of the label. */
  share(rows: number): Uint32Array {
    let greatest = -Infinity;
    for (const log of this.#logs) greatest = Math.max(greatest, log);
    if (greatest !== this.#greatest) {
      this.#greatest = greatest;
      this.#weights = relative(this.#logs);
    }
    return shareOut(this.#weights, rows, this.#offset);
  }
}

/** Moves single rows from the largest parts to those below `minSize`, which draw the labels from their mixes. */
function fillUp(
  random: Random,
  mixes: readonly Float64Array[],
  counts: readonly Uint32Array[],
  minSize: number,
): void {
  const sizes = sizesOf(counts, mixes.length);
  const canGive = (part: number) => (sizes[part] ?? 0) > minSize;
  /** Rows of each label in parts that can give. */
  const left = counts.map((own) =>
    own.reduce((sum, count, part) => canGive(part) ? sum + count : sum, 0)
  );
  const move = (own: Uint32Array, part: number, change: number) => {
    own[part] = (own[part] ?? 0) + change;
    sizes[part] = (sizes[part] ?? 0) + change;
  };
  for (const [part, mix] of mixes.entries()) {
    while ((sizes[part] ?? 0) < minSize) {
      const label = pick(random, mix, left);
      const own = counts[label] ?? NO_ROWS;
      let giver = -1, most = minSize;
      for (let other = 0; other < own.length; other++) {
        if ((sizes[other] ?? 0) > most && (own[other] ?? 0) > 0) most = sizes[giver = other] ?? 0;
      }
      move(own, giver, -1);
      move(own, part, 1);
      left[label] = (left[label] ?? 0) - 1;
      if (canGive(giver)) continue;
      counts.forEach((own, k) => left[k] = (left[k] ?? 0) - (own[giver] ?? 0));
    }
  }
}

/** Gives each part its number of rows of each label. */
function hand(
  rows: readonly Uint32Array[],
  counts: readonly Uint32Array[],
  parts: number,
): Partition {
  const handed = rows.map(() => 0);
  return Array.from({ length: parts }, (_, part) =>
    join(rows.map((own, label) => {
      const from = handed[label] ?? 0, to = from + (counts[label]?.[part] ?? 0);
      handed[label] = to;
      return own.subarray(from, to);
    })));
}

/** Lets the parts draw one row each in turn until all are gone. */
function takeTurns(
  random: Random,
  rows: readonly Uint32Array[],
  mixes: readonly Float64Array[],
): Partition {
  const total = rows.reduce((sum, { length }) => sum + length, 0);
  const left = rows.map(({ length }) => length);
  const each = total / mixes.length;
  const parts = mixes.map((_, part) =>
    new Uint32Array(part < total % mixes.length ? Math.ceil(each) : Math.floor(each))
  );
  for (let row = 0; row < total; row++) {
    const part = row % mixes.length;
    const label = pick(random, mixes[part] ?? new Float64Array(), left);
    const last = (left[label] ?? 0) - 1;
    left[label] = last;
    const own = parts[part];
    if (own) own[Math.floor(row / mixes.length)] = rows[label]?.[last] ?? 0;
  }
  return parts;
}

/** A label, drawn by the mix from those that have rows left. */
function pick(random: Random, mix: Float64Array, left: readonly number[]): number {
  const weigh = (sum: (log: number, label: number) => void) => {
    for (let label = 0; label < left.length; label++) {
      if ((left[label] ?? 0) > 0) sum(mix[label] ?? 0, label);
    }
  };
  let greatest = -Infinity, total = 0, picked = -1;
  weigh((log) => greatest = Math.max(greatest, log));
  weigh((log) => total += Math.exp(log - greatest));
  let mark = random.uniform() * total;
  weigh((log, label) => {
    if (mark < 0) return;
    mark -= Math.exp(log - greatest);
    picked = label;
  });
  return picked;
}

/**
 * Assignment of the rows of each label to parts, by the label distribution of each part.
 *
 * @module
 */

import type { Random } from "../../base/random.ts";
import { relative } from "./draws.ts";
import { cutSizes, shareOut } from "./rows.ts";
import type { Partition } from "./types.ts";

/** Numbers of rows for a label without rows. */
export const NO_ROWS = new Uint32Array();

/** Computes the size of each part from its numbers of rows of each label. */
export function sizesOf(counts: readonly Uint32Array[], parts: number): Uint32Array {
  const sizes = new Uint32Array(parts);
  for (const own of counts) {
    for (let part = 0; part < parts; part++) sizes[part] = (sizes[part] ?? 0) + (own[part] ?? 0);
  }
  return sizes;
}

/** Weights of the parts for a label. Those of parts that do not draw again are kept. */
export class LabelWeights {
  readonly #logs: Float64Array;
  readonly #mixes: readonly Float64Array[];
  readonly #label: number;
  readonly #offset: number;
  #greatest = NaN;
  #weights: Float64Array = new Float64Array();

  /**
   * Takes the weights from the label distributions of the parts.
   *
   * @param mixes Label distributions of the parts, as logarithms.
   * @param offset Start of the rounding of shares, from 0 to 1.
   */
  constructor(mixes: readonly Float64Array[], label: number, offset: number) {
    this.#logs = Float64Array.from(mixes, (mix) => mix[label] ?? 0);
    this.#mixes = mixes;
    this.#label = label;
    this.#offset = offset;
  }

  /** Takes over a new label distribution of a part. */
  renew(part: number): void {
    const log = this.#mixes[part]?.[this.#label] ?? 0;
    this.#logs[part] = log;
    this.#weights[part] = Math.exp(log - this.#greatest);
  }

  /** Divides the rows of the label among the parts. */
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

/**
 * Moves single rows from the largest parts to those below `minSize`, which draw the labels from
 * their distributions.
 */
export function fillUp(
  random: Random,
  mixes: readonly Float64Array[],
  counts: readonly Uint32Array[],
  minSize: number,
): void {
  const sizes = sizesOf(counts, mixes.length);
  const canGive = (part: number) => (sizes[part] ?? 0) > minSize;
  // Rows of each label in parts that can give.
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

/** Makes the parts from their numbers of rows of each label. */
export function assignRows(
  rows: readonly Uint32Array[],
  counts: readonly Uint32Array[],
  parts: number,
): Partition {
  const handed = rows.map(() => 0);
  const all = new Uint32Array(rows.reduce((sum, own) => sum + own.length, 0));
  let filled = 0;
  for (let part = 0; part < parts; part++) {
    for (const [label, own] of rows.entries()) {
      const from = handed[label] ?? 0, to = from + (counts[label]?.[part] ?? 0);
      all.set(own.subarray(from, to), filled);
      filled += to - from;
      handed[label] = to;
    }
  }
  return cutSizes(all, sizesOf(counts, parts));
}

/** Lets the parts draw one row each in turn until there are none left. */
export function takeTurns(
  random: Random,
  rows: readonly Uint32Array[],
  mixes: readonly Float64Array[],
): Partition {
  const total = rows.reduce((sum, { length }) => sum + length, 0);
  const left = rows.map(({ length }) => length);
  const each = total / mixes.length;
  const sizes = mixes.map((_, part) =>
    part < total % mixes.length ? Math.ceil(each) : Math.floor(each)
  );
  const parts = cutSizes(new Uint32Array(total), sizes);
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

/** Draws a label among those that have rows left. */
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

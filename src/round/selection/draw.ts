import { Random } from "../../base/random.ts";
import type { Rank } from "../../base/rank.ts";
import { availableRanks } from "./context.ts";
import type { SelectionContext } from "./selection.ts";

/** Makes the random generator of one try of one round. */
export function cohortRandom({ seed, round, attempt }: SelectionContext): Random {
  return new Random(seed, "cohort", { round, rank: attempt });
}

/**
 * Returns the `count` ranks with the least keys, the least first, and of equal keys in the order of
 * the list.
 *
 * @param keys Key of each rank, not NaN.
 */
export function withLeastKeys(
  ranks: readonly Rank[],
  keys: Float64Array,
  count: number,
): Rank[] {
  if (count < 1) return [];
  const bound = keyAt(keys.slice(), Math.min(count, keys.length) - 1);
  const before: number[] = [], equal: number[] = [];
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] ?? 0;
    if (key < bound) before.push(i);
    else if (key === bound && equal.length < count) equal.push(i);
  }
  before.sort((a, b) => less(keys[a], keys[b]) || a - b);
  return [...before, ...equal].slice(0, count).map((place) => ranks[place] ?? 0);
}

/**
 * Returns the key that would be at a place if the keys were sorted, and changes their order: Hoare
 * 1961, "Algorithm 65: find". Takes a time in proportion to the number of keys.
 */
function keyAt(keys: Float64Array, place: number): number {
  for (let from = 0, to = keys.length - 1; from < to;) {
    const pivot = keys[(from + to) >> 1] ?? 0;
    let left = from, right = to;
    while (left <= right) {
      while ((keys[left] ?? 0) < pivot) left++;
      while ((keys[right] ?? 0) > pivot) right--;
      if (left > right) break;
      const key = keys[left] ?? 0;
      keys[left++] = keys[right] ?? 0;
      keys[right--] = key;
    }
    if (place > right && place < left) break;
    if (place <= right) to = right;
    else from = left;
  }
  return keys[place] ?? Infinity;
}

/** Compares keys; their difference would be NaN for two infinite ones. */
function less(a = 0, b = 0): number {
  return Number(a > b) - Number(a < b);
}

/**
 * Draws `count` of the available ranks one after another without replacement, each in proportion to
 * its weight among the ranks that are left.
 *
 * Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir": the ranks with the
 * largest keys `u^(1/w)` are such a sample. The smallest `-ln(u) / w` give the same order without
 * underflow.
 *
 * @returns The ranks, in the order in which they were drawn.
 */
export function drawByWeight(
  context: SelectionContext,
  count: number,
  weightOf: (rank: Rank) => number,
): Rank[] {
  const random = cohortRandom(context), ranks = availableRanks(context);
  const keys = new Float64Array(ranks.length);
  for (let i = 0; i < keys.length; i++) {
    keys[i] = -Math.log(1 - random.uniform()) / weightOf(ranks[i] ?? 0);
  }
  return withLeastKeys(ranks, keys, count);
}

/**
 * Draws ranks weighted by their number of samples. A client whose number is unknown counts as the
 * mean of the others.
 */
export function drawBySamples(context: SelectionContext, count: number): Rank[] {
  const { known } = context;
  let sum = 0, told = 0;
  for (const rank of availableRanks(context)) {
    const numSamples = known.get(rank)?.numSamples;
    if (numSamples === undefined) continue;
    sum += numSamples;
    told++;
  }
  const mean = told === 0 ? 1 : sum / told;
  return drawByWeight(context, count, (rank) => known.get(rank)?.numSamples ?? mean);
}

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
  const bound = keys.toSorted()[Math.min(count, keys.length) - 1] ?? Infinity;
  const places: number[] = [];
  for (let i = 0; i < keys.length; i++) if ((keys[i] ?? 0) <= bound) places.push(i);
  return places.sort((a, b) => less(keys[a], keys[b]) || a - b)
    .slice(0, count).map((place) => ranks[place] ?? 0);
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

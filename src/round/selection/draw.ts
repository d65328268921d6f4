import { Random } from "../../base/random.ts";
import type { Rank } from "../../base/rank.ts";
import type { SelectionContext } from "./selection.ts";

/** Makes the random generator of one try of one round. */
export function cohortRandom({ seed, round, attempt }: SelectionContext): Random {
  return new Random(seed, "cohort", { round, rank: attempt });
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
  const random = cohortRandom(context);
  return context.available
    .map((rank) => ({ rank, key: -Math.log(1 - random.uniform()) / weightOf(rank) }))
    .sort((a, b) => a.key - b.key)
    .slice(0, count)
    .map(({ rank }) => rank);
}

/**
 * Draws ranks weighted by their number of samples. A client whose number is unknown counts as the
 * mean of the others.
 */
export function drawBySamples(context: SelectionContext, count: number): Rank[] {
  const { available, known } = context;
  const counts = available.flatMap((rank) => known.get(rank)?.numSamples ?? []);
  const mean = counts.length === 0 ? 1 : counts.reduce((sum, n) => sum + n, 0) / counts.length;
  return drawByWeight(context, count, (rank) => known.get(rank)?.numSamples ?? mean);
}

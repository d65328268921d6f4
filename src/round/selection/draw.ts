import { Random } from "../../base/random.ts";
import type { Rank } from "../../base/rank.ts";
import type { SelectionContext } from "./selection.ts";

/** The stream that belongs to one try of one round. */
export function streamOf({ seed, round, attempt }: SelectionContext): Random {
  return new Random(seed, "cohort", { round, rank: attempt });
}

/**
 * Draws `count` of the available ranks one after another without putting back, each draw in proportion to the weights of those that are left;
 * in the order in which they are drawn.
 *
 * Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir": the largest keys `u^(1/w)` are such a sample. Here the smallest
 * `-ln(u) / w`, which is the same order without underflow.
 */
export function drawByWeight(
  context: SelectionContext,
  count: number,
  weightOf: (rank: Rank) => number,
): Rank[] {
  const random = streamOf(context);
  return context.available
    .map((rank) => ({ rank, key: -Math.log(1 - random.uniform()) / weightOf(rank) }))
    .sort((a, b) => a.key - b.key)
    .slice(0, count)
    .map(({ rank }) => rank);
}

/** Draws by the numbers of samples; who has not said its number counts as the mean of those who have. */
export function drawBySamples(context: SelectionContext, count: number): Rank[] {
  const { available, known } = context;
  const said = available.flatMap((rank) => known.get(rank)?.numSamples ?? []);
  const mean = said.length === 0 ? 1 : said.reduce((sum, one) => sum + one, 0) / said.length;
  return drawByWeight(context, count, (rank) => known.get(rank)?.numSamples ?? mean);
}

import type { Rank } from "../../base/rank.ts";

/** Lists that are known to be in order. */
const ordered = new WeakSet<readonly Rank[]>();

/** Most ranks that are cut out of a list one by one, which is faster than a test of each rank. */
const MAX_CUTS = 32;

/**
 * Freezes a list that is in ascending order, without repetitions, so that nothing needs to look
 * through it again to know that. A list of a million clients is the same in most rounds.
 */
export function markOrdered(ranks: Rank[]): readonly Rank[] {
  ordered.add(ranks);
  return Object.freeze(ranks);
}

/** Returns ranks in ascending order: the list itself if it is in order. */
export function inOrder(ranks: readonly Rank[]): readonly Rank[] {
  return isOrdered(ranks) ? ranks : [...ranks].sort((a, b) => a - b);
}

/** Returns the ranks that are not in `others`, in the same order: the list itself for none. */
export function without(ranks: readonly Rank[], others: ReadonlySet<Rank>): readonly Rank[] {
  if (others.size === 0) return ranks;
  if (!isOrdered(ranks)) return ranks.filter((rank) => !others.has(rank));
  if (others.size > MAX_CUTS) return markOrdered(ranks.filter((rank) => !others.has(rank)));
  const cuts = [...others].map((rank) => placeOf(ranks, rank)).filter((place) => place >= 0);
  const rest = [...ranks];
  for (const place of cuts.sort((a, b) => b - a)) rest.splice(place, 1);
  return markOrdered(rest);
}

/** Returns the function that tells if a rank is in the list. */
export function membership(ranks: readonly Rank[]): (rank: Rank) => boolean {
  if (isOrdered(ranks)) return (rank) => placeOf(ranks, rank) >= 0;
  const all = new Set(ranks);
  return (rank) => all.has(rank);
}

function isOrdered(ranks: readonly Rank[]): boolean {
  if (ordered.has(ranks)) return true;
  for (let i = 1; i < ranks.length; i++) {
    if (!((ranks[i - 1] ?? NaN) < (ranks[i] ?? NaN))) return false;
  }
  return true;
}

/** Finds a rank in a list in ascending order by bisection; -1 if it is not there. */
function placeOf(ranks: readonly Rank[], rank: Rank): number {
  let from = 0, to = ranks.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((ranks[middle] ?? NaN) < rank) from = middle + 1;
    else to = middle;
  }
  return ranks[from] === rank ? from : -1;
}

/**
 * Each client in its turn.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import type { ClientSelection, SelectionContext } from "./selection.ts";

/**
 * Each client in its turn: those come first whose last round, of those they were chosen for, is longest ago, 0 for none; of equals the lowest
 * ranks.
 *
 * So no client is chosen twice while another that was there all the time was not chosen once. Who was away comes first on coming back, once;
 * who was chosen and did not answer has had its turn. Nothing about it is random.
 */
export class RoundRobinSelection implements ClientSelection {
  /** `"round-robin"`. */
  readonly name = "round-robin";

  /** Takes those that have waited longest. */
  select({ available, count, known }: SelectionContext): Rank[] {
    const lastRound = (rank: Rank) => known.get(rank)?.lastRound ?? 0;
    return [...available].sort((a, b) => lastRound(a) - lastRound(b) || a - b).slice(0, count);
  }
}

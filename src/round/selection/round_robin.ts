/**
 * Client selection in turn.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import type { ClientSelection, SelectionContext } from "./selection.ts";

/**
 * Selects clients in turn: those that were selected longest ago or never, and the lowest ranks
 * among equals.
 *
 * No client is selected twice before every other available client was selected once. A client that
 * was away comes first, once, when it returns. A client that was selected and did not answer has
 * had its turn. The policy is not random.
 */
export class RoundRobinSelection implements ClientSelection {
  /** `"round-robin"`. */
  readonly name = "round-robin";

  /** Selects the clients that have waited longest. */
  select({ available, count, known }: SelectionContext): Rank[] {
    const lastRound = (rank: Rank) => known.get(rank)?.lastRound ?? 0;
    return [...available].sort((a, b) => lastRound(a) - lastRound(b) || a - b).slice(0, count);
  }
}

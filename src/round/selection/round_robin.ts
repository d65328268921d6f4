/**
 * Client selection in turn.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import { availableRanks } from "./context.ts";
import { withLeastKeys } from "./draw.ts";
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
  select(context: SelectionContext): Rank[] {
    const { count, known } = context, ranks = availableRanks(context);
    const lastRounds = Float64Array.from(ranks, (rank) => known.get(rank)?.lastRound ?? 0);
    return withLeastKeys(ranks, lastRounds, count);
  }
}

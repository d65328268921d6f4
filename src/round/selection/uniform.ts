/**
 * Uniform client selection.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import { availableRanks } from "./context.ts";
import { cohortRandom } from "./draw.ts";
import type { ClientSelection, SelectionContext } from "./selection.ts";

/**
 * Draws clients uniformly: every set of `count` clients is equally likely.
 *
 * McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized Data",
 * algorithm 1: `S_t` is a random set of m clients.
 */
export class UniformSelection implements ClientSelection {
  /** `"uniform"`. */
  readonly name = "uniform";

  /** Draws a cohort without replacement. */
  select(context: SelectionContext): Rank[] {
    const { count } = context, ranks = availableRanks(context);
    if (count === ranks.length) return [...ranks];
    return cohortRandom(context).sample(ranks, count);
  }
}

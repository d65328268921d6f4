/**
 * Clients with more samples more often.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import { drawBySamples } from "./draw.ts";
import type { ClientSelection, SelectionContext } from "./selection.ts";

/**
 * Draws one client after another without putting back, each in proportion to its number of samples among those that are left.
 *
 * By the keys of Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir". Li et al. 2020, "On the Convergence of FedAvg on
 * Non-IID Data", scheme I, draws so but puts back; a cohort here is a set. A client whose number is unknown counts as the mean of the others.
 * The number is what a client says it is.
 */
export class SamplesSelection implements ClientSelection {
  /** `"samples"`. */
  readonly name = "samples";

  /** Draws by numbers of samples. */
  select(context: SelectionContext): Rank[] {
    return drawBySamples(context, context.count);
  }
}

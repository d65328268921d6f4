/**
 * Client selection by number of samples.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import { drawBySamples } from "./draw.ts";
import type { ClientSelection, SelectionContext } from "./selection.ts";

/**
 * Draws clients without replacement, weighted by their number of samples.
 *
 * The method is that of Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir".
 * Scheme I of Li et al. 2020, "On the Convergence of FedAvg on Non-IID Data", uses the same weights
 * with replacement; here a cohort is a set. A client whose number of samples is unknown counts as
 * the mean of the others. The numbers are the clients' own claims.
 */
export class SamplesSelection implements ClientSelection {
  /** `"samples"`. */
  readonly name = "samples";

  /** Draws a cohort by numbers of samples. */
  select(context: SelectionContext): Rank[] {
    return drawBySamples(context, context.count);
  }
}

/**
 * Clients that the model serves worst.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import { checked } from "../../strategy/check.ts";
import { drawBySamples } from "./draw.ts";
import type { ClientSelection, SelectionContext } from "./selection.ts";

/** How {@linkcode PowerOfChoiceSelection} chooses. */
export interface PowerOfChoiceOptions {
  /** Number d of candidates, from 1; at least as many are drawn as are chosen. Default: twice as many as are chosen. */
  d?: number;
}

/**
 * Draws d candidates by their numbers of samples and takes the m of them with the highest last known loss (power-of-choice).
 *
 * Cho, Wang and Joshi 2020, "Client Selection in Federated Learning: Convergence Analysis and Power-of-Choice Selection Strategies", the
 * variant rpow-d: the loss is the mean training loss that came with a client's last update, so that nothing more is computed or sent; a client
 * without one has an infinite loss, and comes first. With `d` = m it is {@linkcode SamplesSelection}; the larger d, the more the cohort leans
 * to clients that the model serves badly. Of equal losses the candidate that was drawn first is taken. A client is believed what it says of
 * its loss.
 */
export class PowerOfChoiceSelection implements ClientSelection {
  /** `"power-of-choice"`. */
  readonly name = "power-of-choice";
  /** Number of candidates; `undefined` for twice as many as are chosen. */
  readonly d: number | undefined;

  /** Throws a `RangeError` for an option out of range. */
  constructor({ d }: PowerOfChoiceOptions = {}) {
    this.d = d === undefined ? d : checked(this.name, "d", d, { least: 1, whole: true });
  }

  /** Takes the worst of the candidates. */
  select(context: SelectionContext): Rank[] {
    const { count, known } = context;
    const candidates = drawBySamples(context, Math.max(this.d ?? 2 * count, count));
    const loss = (rank: Rank) => known.get(rank)?.loss ?? Infinity;
    // Not a difference, which is not a number for two infinite losses.
    const worseFirst = (a: Rank, b: Rank) => Number(loss(b) > loss(a)) - Number(loss(a) > loss(b));
    return candidates.sort(worseFirst).slice(0, count);
  }
}

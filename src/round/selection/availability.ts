/**
 * Clients that answer more often.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import { checked } from "../../strategy/check.ts";
import { drawByWeight } from "./draw.ts";
import type { ClientSelection, SelectionContext } from "./selection.ts";

/** How {@linkcode AvailabilitySelection} chooses. */
export interface AvailabilityOptions {
  /** The least weight of a client, above 0 and below 1. Default 0.1. */
  floor?: number;
}

/**
 * Draws clients in proportion to how reliably they answer, without putting back. The weight is
 * `max(floor, (answered + 1) / (answered + dropped + 1))`: the share of rounds that a client answered of those it was chosen for, its joining
 * counted as one more that it answered.
 *
 * A client of which nothing is known has weight 1, one that never answers goes down to the floor, from where it can come up again. With
 * over-selection a client that is too late has not answered: slow ones are drawn less. The draws are those of Efraimidis and Spirakis 2006,
 * "Weighted random sampling with a reservoir".
 */
export class AvailabilitySelection implements ClientSelection {
  /** `"availability"`. */
  readonly name = "availability";
  /** The least weight of a client. */
  readonly floor: number;

  /** Throws a `RangeError` for an option out of range. */
  constructor({ floor = 0.1 }: AvailabilityOptions = {}) {
    this.floor = checked(this.name, "floor", floor, { above: 0, below: 1 });
  }

  /** Draws by the shares of answers. */
  select(context: SelectionContext): Rank[] {
    return drawByWeight(context, context.count, (rank) => {
      const { answered = 0, dropped = 0 } = context.known.get(rank) ?? {};
      return Math.max(this.floor, (answered + 1) / (answered + dropped + 1));
    });
  }
}

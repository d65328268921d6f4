/**
 * Client selection by reliability of the answers.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import { checked } from "../../strategy/check.ts";
import { drawByWeight } from "./draw.ts";
import type { ClientSelection, SelectionContext } from "./selection.ts";

/** Options of an {@linkcode AvailabilitySelection}. */
export interface AvailabilityOptions {
  /**
   * Minimum weight of a client, above 0 and below 1.
   *
   * @default {0.1}
   */
  floor?: number;
}

/**
 * Draws clients without replacement, weighted by their reliability. The weight of a client is
 * `max(floor, (answered + 1) / (answered + dropped + 1))`: the share of its rounds that it
 * answered, with its joining counted as one more answer.
 *
 * An unknown client has weight 1. The weight of a client that never answers falls to the floor,
 * from which it can rise again. With over-selection, a late client counts as one that did not
 * answer, so that slow clients are drawn less. The method is that of Efraimidis and Spirakis 2006,
 * "Weighted random sampling with a reservoir".
 */
export class AvailabilitySelection implements ClientSelection {
  /** `"availability"`. */
  readonly name = "availability";
  /** Minimum weight of a client. */
  readonly floor: number;

  /**
   * Makes a policy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor({ floor = 0.1 }: AvailabilityOptions = {}) {
    this.floor = checked(this.name, "floor", floor, { above: 0, below: 1 });
  }

  /** Draws a cohort by the shares of answered rounds. */
  select(context: SelectionContext): Rank[] {
    return drawByWeight(context, context.count, (rank) => {
      const { answered = 0, dropped = 0 } = context.known.get(rank) ?? {};
      return Math.max(this.floor, (answered + 1) / (answered + dropped + 1));
    });
  }
}

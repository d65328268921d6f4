/**
 * Every client alike.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import { streamOf } from "./draw.ts";
import type { ClientSelection, SelectionContext } from "./selection.ts";

/**
 * Every set of `count` clients is equally likely.
 *
 * McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized Data", algorithm 1: `S_t` is a random set of m
 * clients.
 */
export class UniformSelection implements ClientSelection {
  /** `"uniform"`. */
  readonly name = "uniform";

  /** Draws without putting back. */
  select(context: SelectionContext): Rank[] {
    return streamOf(context).sample(context.available, context.count);
  }
}

/**
 * The coordinate-wise median.
 *
 * @module
 */

import { columnMedian } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { Rows } from "./rows.ts";
import type { Strategy, StrategyRound } from "../strategy.ts";

/**
 * The median of each coordinate, of an even number of updates the mean of the two in the middle; less than half of the clients cannot move it
 * past what the others sent.
 *
 * Yin et al. 2018, "Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates", definition 1. Clients count alike: a number of
 * samples is what a client says it is. Copies of a round's updates lie outside the arena.
 *
 * @example
 * ```ts
 * import { CoordinateMedian } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const round = new CoordinateMedian().begin(new Float32Array(1));
 * for (const [i, value] of [1, 3, 1e9].entries()) {
 *   round.accept({ rank: i + 1, parameters: new Float32Array([value]), numSamples: 1 });
 * }
 * assertEquals([...round.finish()], [3]);
 * ```
 */
export class CoordinateMedian implements Strategy {
  /** `"median"`. */
  readonly name = "median";
  /** One: the result. */
  readonly workingVectors = 1;
  /** True. */
  readonly isRobust = true;
  /** `true`. */
  readonly needsHonestMajority = true;
  readonly #rows = new Rows();

  /** Opens a round. */
  begin(global: ParameterVector): StrategyRound {
    return this.#rows.begin(global, ({ rows }, into) => columnMedian(rows, into));
  }
}

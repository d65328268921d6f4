/**
 * The coordinate-wise median.
 *
 * @module
 */

import { columnMedian } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { Strategy, StrategyRound } from "../strategy.ts";
import { Rows } from "./rows.ts";

/**
 * Median of each coordinate: less than half of the clients cannot move it past the values of the
 * others.
 *
 * Yin et al. 2018, "Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates",
 * definition 1; of an even number of updates it is the mean of the two in the middle. The number of
 * samples of a client does not count, as the server cannot check it. Copies of a round's updates
 * lie outside the arena.
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
  /** Name in reports. */
  readonly name = "median";
  /** Number of working vectors: the result. */
  readonly workingVectors = 1;
  /** `true`: the strategy withstands any single update. */
  readonly isRobust = true;
  /** `true`: hostile clients have to be few among the updates of a round. */
  readonly needsHonestMajority = true;
  readonly #rows = new Rows();

  /** Opens a round. */
  begin(global: ParameterVector): StrategyRound {
    return this.#rows.begin(global, ({ rows }, into) => columnMedian(rows, into));
  }
}

/**
 * The coordinate-wise median.
 *
 * @module
 */

import { columnMedian } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { RobustStrategy, type RoundRows } from "./robust_strategy.ts";

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
export class CoordinateMedian extends RobustStrategy {
  /** Name in reports. */
  override readonly name = "median";

  /** Takes the median of each coordinate. */
  protected override aggregate({ rows }: RoundRows, into: ParameterVector): void {
    columnMedian(rows, into);
  }
}

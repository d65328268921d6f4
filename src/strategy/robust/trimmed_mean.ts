/**
 * The coordinate-wise trimmed mean.
 *
 * @module
 */

import { columnTrimmedMean } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { checkedAttackers, checkEnough } from "../check.ts";
import { RobustStrategy, type RoundRows } from "./robust_strategy.ts";

/** Options of {@linkcode TrimmedMean}. */
export interface TrimmedMeanOptions {
  /**
   * Number f of attackers, a whole number from 0: f values are left out at each end.
   *
   * @default {1}
   */
  attackers?: number;
}

/**
 * Mean of each coordinate without its f lowest and its f highest values.
 *
 * Yin et al. 2018, "Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates",
 * definition 2, with β n = f. The number of samples of a client does not count. Copies of a round's
 * updates lie outside the arena. With f = 0 the result is the plain mean.
 *
 * The `finish` of a round throws a `RangeError` for fewer than 2 f + 1 updates.
 *
 * @example
 * ```ts
 * import { TrimmedMean } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const round = new TrimmedMean({ attackers: 1 }).begin(new Float32Array(1));
 * for (const [i, value] of [1, 3, 5, 1e9].entries()) {
 *   round.accept({ rank: i + 1, parameters: new Float32Array([value]), numSamples: 1 });
 * }
 * assertEquals([...round.finish()], [4]);
 * ```
 */
export class TrimmedMean extends RobustStrategy {
  /** Name in reports. */
  override readonly name = "trimmed-mean";
  /** Number f of attackers. */
  readonly attackers: number;

  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor({ attackers }: TrimmedMeanOptions = {}) {
    super();
    this.attackers = checkedAttackers("trimmed-mean", attackers);
  }

  /** Number of updates that the algorithm needs, 2 f + 1. */
  get fewestUpdates(): number {
    return 2 * this.attackers + 1;
  }

  /** Takes the trimmed mean of each coordinate. */
  protected override aggregate({ rows }: RoundRows, into: ParameterVector): void {
    const { name, attackers, fewestUpdates: least } = this;
    checkEnough(name, rows.length, { least, rule: "2f + 1", attackers });
    columnTrimmedMean(rows, attackers, into);
  }
}

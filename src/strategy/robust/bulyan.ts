/**
 * Bulyan.
 *
 * @module
 */

import { columnMeanAroundMedian } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { checkedAttackers, checkEnough } from "../check.ts";
import { KrumScores } from "./krum_scores.ts";
import { RobustStrategy, type RoundRows } from "./robust_strategy.ts";

/** Options of {@linkcode Bulyan}. */
export interface BulyanOptions {
  /**
   * Number f of attackers, a whole number from 0.
   *
   * @default {1}
   */
  attackers?: number;
}

/**
 * Mean around the median of the updates that repeated Krum selects: attackers cannot hide a large
 * change of one coordinate in a small distance.
 *
 * El Mhamdi et al. 2018, "The Hidden Vulnerability of Distributed Learning in Byzantium",
 * section 4. Of n updates θ = n - 2 f are selected, one after the other: the one with the best Krum
 * score among the r that are left, over r - f - 2 neighbours, at least 1. Then each coordinate is
 * the mean of the θ - 2 f selected values that are closest to their median; the median of an even
 * number is the mean of the two in the middle. The number of samples of a client does not count.
 * Copies of a round's updates lie outside the arena; time grows with n², and the selection with n³.
 *
 * The `finish` of a round throws a `RangeError` for fewer than 4 f + 3 updates.
 *
 * @example
 * ```ts
 * import { Bulyan } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const round = new Bulyan({ attackers: 1 }).begin(new Float32Array(1));
 * for (const [i, value] of [1, 2, 3, 4, 5, 6, 1e9].entries()) {
 *   round.accept({ rank: i + 1, parameters: new Float32Array([value]), numSamples: 1 });
 * }
 * assertEquals([...round.finish()], [3]);
 * ```
 */
export class Bulyan extends RobustStrategy {
  /** Name in reports. */
  override readonly name = "bulyan";
  /** Number f of attackers. */
  readonly attackers: number;

  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor({ attackers }: BulyanOptions = {}) {
    super();
    this.attackers = checkedAttackers("bulyan", attackers);
  }

  /** Number of updates that the algorithm needs, 4 f + 3. */
  get fewestUpdates(): number {
    return 4 * this.attackers + 3;
  }

  /** Selects updates, and takes the mean around their median. */
  protected override aggregate({ rows }: RoundRows, into: ParameterVector): void {
    const { name, attackers, fewestUpdates: least } = this;
    checkEnough(name, rows.length, { least, rule: "4f + 3", attackers });
    const selected = select(rows, attackers);
    columnMeanAroundMedian(selected, selected.length - 2 * attackers, into);
  }
}

function select(rows: readonly ParameterVector[], attackers: number): ParameterVector[] {
  const scores = new KrumScores(rows);
  const left = new Set(rows.keys());
  while (left.size > 2 * attackers) {
    const [best] = scores.ranking(Math.max(1, left.size - attackers - 2), left);
    if (best === undefined) break;
    left.delete(best);
  }
  return rows.filter((_, i) => !left.has(i));
}

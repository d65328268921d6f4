/**
 * Krum and Multi-Krum.
 *
 * @module
 */

import { blend } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { checked, checkedAttackers, checkEnough } from "../check.ts";
import { KrumScores } from "./krum_scores.ts";
import { RobustStrategy, type RoundRows } from "./robust_strategy.ts";

/** Options of {@linkcode Krum}. */
export interface KrumOptions {
  /**
   * Number f of attackers, a whole number from 0.
   *
   * @default {1}
   */
  attackers?: number;
}

/** Options of {@linkcode MultiKrum}. */
export interface MultiKrumOptions extends KrumOptions {
  /**
   * Number m of updates that the mean is over, a whole number from 1; at most n - f of n updates
   * count.
   *
   * @default {Infinity} n - f updates.
   */
  keep?: number;
}

/**
 * The one of n updates that is closest to its n - f - 2 nearest neighbours, by the sum of squared
 * distances.
 *
 * Blanchard et al. 2017, "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent",
 * section 4. Of equal scores that of the lowest rank wins. Copies of a round's updates lie outside
 * the arena; time grows with n².
 *
 * The `finish` of a round throws a `RangeError` for fewer than 2 f + 3 updates.
 *
 * @example
 * ```ts
 * import { Krum } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const round = new Krum({ attackers: 1 }).begin(new Float32Array(1));
 * for (const [i, value] of [1, 4, 5, 6.5, 1e9].entries()) {
 *   round.accept({ rank: i + 1, parameters: new Float32Array([value]), numSamples: 1 });
 * }
 * assertEquals([...round.finish()], [5]);
 * ```
 */
export class Krum extends RobustStrategy {
  /** Name in reports. */
  override readonly name = "krum";
  /** Number f of attackers. */
  readonly attackers: number;

  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor({ attackers }: KrumOptions = {}) {
    super();
    this.attackers = checkedAttackers("krum", attackers);
  }

  /** Number of updates that the algorithm needs, 2 f + 3. */
  get fewestUpdates(): number {
    return 2 * this.attackers + 3;
  }

  /** Takes the update with the best score. */
  protected override aggregate({ rows }: RoundRows, into: ParameterVector): void {
    meanOfBest(this, rows, { keep: 1, into });
  }
}

/**
 * Mean of the m updates with the best scores of {@linkcode Krum}: more robust than the mean of all,
 * and less noisy than a single update.
 *
 * Blanchard et al. 2017, section 4, "Multi-Krum". The number of samples of a client does not count.
 * Otherwise as {@linkcode Krum}.
 *
 * @example
 * ```ts
 * import { MultiKrum } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const round = new MultiKrum({ attackers: 1 }).begin(new Float32Array(1));
 * for (const [i, value] of [1, 2, 3, 4, 1e9].entries()) {
 *   round.accept({ rank: i + 1, parameters: new Float32Array([value]), numSamples: 1 });
 * }
 * assertEquals([...round.finish()], [2.5]);
 * ```
 */
export class MultiKrum extends RobustStrategy {
  /** Name in reports. */
  override readonly name = "multi-krum";
  /** Number f of attackers. */
  readonly attackers: number;
  readonly #keep: number;

  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor({ attackers, keep }: MultiKrumOptions = {}) {
    super();
    this.attackers = checkedAttackers("multi-krum", attackers);
    this.#keep = keep === undefined
      ? Infinity
      : checked("multi-krum", "keep", keep, { least: 1, whole: true });
  }

  /** Number of updates that the algorithm needs, 2 f + 3. */
  get fewestUpdates(): number {
    return 2 * this.attackers + 3;
  }

  /** Takes the mean of the updates with the best scores. */
  protected override aggregate({ rows }: RoundRows, into: ParameterVector): void {
    meanOfBest(this, rows, { keep: this.#keep, into });
  }
}

function meanOfBest(
  { name, attackers, fewestUpdates: least }: Krum | MultiKrum,
  rows: readonly ParameterVector[],
  { keep, into }: { keep: number; into: ParameterVector },
): void {
  const n = rows.length;
  checkEnough(name, n, { least, rule: "2f + 3", attackers });
  const ranking = new KrumScores(rows).ranking(n - attackers - 2, new Set(rows.keys()));
  const best = new Set(ranking.slice(0, Math.min(keep, n - attackers)));
  let count = 0;
  for (const [i, row] of rows.entries()) {
    if (best.has(i)) blend(into, row, 1 / ++count);
  }
}

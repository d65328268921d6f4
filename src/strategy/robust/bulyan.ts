/**
 * Bulyan.
 *
 * @module
 */

import { columnMeanAroundMedian } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { checkedAttackers, checkEnough } from "../check.ts";
import { KrumScores } from "./krum_scores.ts";
import { Rows } from "./rows.ts";
import type { Strategy, StrategyRound } from "../strategy.ts";

/** What {@linkcode Bulyan} withstands. */
export interface BulyanOptions {
  /** Number f of attackers, a whole number from 0. Default 1. */
  attackers?: number;
}

/**
 * Krum again and again, then coordinate by coordinate the mean of what lies closest to the median: attackers that hide a large change of a single
 * coordinate in a small distance do not get it through.
 *
 * El Mhamdi et al. 2018, "The Hidden Vulnerability of Distributed Learning in Byzantium", section 4. Of n updates θ = n - 2 f are selected: the one with the
 * best Krum score is taken out of those that are left, until there are as many. Of r that are left the score is over r - f - 2 neighbours, at least 1. Then each
 * coordinate is the mean of the θ - 2 f selected values that are closest to the median of the selected; the median of an even number is the mean of the
 * two in the middle. Clients count alike. Copies of a round's updates lie outside the arena; time grows with n², and the selection with n³.
 *
 * `finish()` throws a `RangeError` for fewer than 4 f + 3 updates.
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
export class Bulyan implements Strategy {
  /** `"bulyan"`. */
  readonly name = "bulyan";
  /** One: the result. */
  readonly workingVectors = 1;
  /** True. */
  readonly isRobust = true;
  /** `true`. */
  readonly needsHonestMajority = true;
  /** Number of attackers. */
  readonly attackers: number;
  readonly #rows = new Rows();

  /** Throws a `RangeError` for an option out of range. */
  constructor({ attackers }: BulyanOptions = {}) {
    this.attackers = checkedAttackers("bulyan", attackers);
  }

  /** 4 f + 3, of f attackers. */
  get fewestUpdates(): number {
    return 4 * this.attackers + 3;
  }

  /** Opens a round. */
  begin(global: ParameterVector): StrategyRound {
    const { name, attackers } = this;
    return this.#rows.begin(global, ({ rows }, into) => {
      checkEnough(name, rows.length, { least: 4 * attackers + 3, rule: "4f + 3", attackers });
      const selected = select(rows, attackers);
      columnMeanAroundMedian(selected, selected.length - 2 * attackers, into);
    });
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

/**
 * The coordinate-wise trimmed mean.
 *
 * @module
 */

import { columnTrimmedMean } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { checkedAttackers, checkEnough } from "../check.ts";
import { Rows } from "./rows.ts";
import type { Strategy, StrategyRound } from "../strategy.ts";

/** What {@linkcode TrimmedMean} withstands. */
export interface TrimmedMeanOptions {
  /** Number f of attackers, a whole number from 0: so many values are left out at each end. Default 1. */
  attackers?: number;
}

/**
 * The mean of each coordinate without its f lowest and its f highest values.
 *
 * Yin et al. 2018, "Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates", definition 2, with β n = f. Clients count
 * alike. Copies of a round's updates lie outside the arena. With f = 0 it is the plain mean.
 *
 * `finish()` throws a `RangeError` for fewer than 2 f + 1 updates.
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
export class TrimmedMean implements Strategy {
  /** `"trimmed-mean"`. */
  readonly name = "trimmed-mean";
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
  constructor({ attackers }: TrimmedMeanOptions = {}) {
    this.attackers = checkedAttackers("trimmed-mean", attackers);
  }

  /** 2 f + 1, of f attackers. */
  get fewestUpdates(): number {
    return 2 * this.attackers + 1;
  }

  /** Opens a round. */
  begin(global: ParameterVector): StrategyRound {
    const { name, attackers } = this;
    return this.#rows.begin(global, ({ rows }, into) => {
      checkEnough(name, rows.length, { least: 2 * attackers + 1, rule: "2f + 1", attackers });
      columnTrimmedMean(rows, attackers, into);
    });
  }
}

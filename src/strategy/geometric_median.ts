/**
 * The geometric median.
 *
 * @module
 */

import { columnMedian, fold, squaredDistance } from "../params/kernels.ts";
import type { ParameterVector } from "../params/manifest.ts";
import { checked } from "./_check.ts";
import { type RoundRows, Rows } from "./_rows.ts";
import type { Strategy, StrategyRound } from "./strategy.ts";

/** How {@linkcode GeometricMedian} is found. */
export interface GeometricMedianOptions {
  /** The least distance ν that counts, above 0: keeps the iteration from dividing by 0. Default 1e-6, as in the paper. */
  smoothing?: number;
  /** Number of iterations, at most; from 1. Default 100. */
  iterations?: number;
  /** Ends the iteration when the sum of distances falls by less than this share of itself, from 0. Default 1e-7. */
  tolerance?: number;
  /**
   * Whether a client counts by its number of samples, as in the paper, and not like any other. A number of samples is what a client says it is, so this is for
   * clients that are trusted in it. Default false.
   */
  weighted?: boolean;
}

/**
 * The vector whose distances from the updates have the least sum (RFA); less than half of the clients cannot move it far.
 *
 * Pillutla et al. 2022, "Robust Aggregation for Federated Learning", algorithm 2, the smoothed Weiszfeld iteration:
 * `z ← Σ β_k w_k / Σ β_k` with `β_k = α_k / max(ν, ‖z - w_k‖)`. It begins at the coordinate-wise median, which is not far to begin with, however large
 * some updates are. Copies of a round's updates lie outside the arena.
 *
 * @example
 * ```ts
 * import { GeometricMedian } from "@fedlab/core";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const round = new GeometricMedian().begin(new Float32Array(2));
 * for (const [i, at] of [[0, 1], [0, -1], [1e6, 0], [-1, 0]].entries()) {
 *   round.accept({ rank: i + 1, parameters: new Float32Array(at), numSamples: 1 });
 * }
 * assertAlmostEquals(round.finish()[0] ?? NaN, 0, 1e-3);
 * ```
 */
export class GeometricMedian implements Strategy {
  /** `"geometric-median"`. */
  readonly name = "geometric-median";
  /** One: the result. */
  readonly workingVectors = 1;
  readonly #smoothing: number;
  readonly #iterations: number;
  readonly #tolerance: number;
  readonly #weighted: boolean;
  readonly #rows = new Rows();

  /** Throws a `RangeError` for an option out of range. */
  constructor(options: GeometricMedianOptions = {}) {
    const { smoothing = 1e-6, iterations = 100, tolerance = 1e-7, weighted = false } = options;
    const { name } = this;
    this.#smoothing = checked(name, "smoothing", smoothing, { above: 0 });
    this.#iterations = checked(name, "iterations", iterations, { least: 1, whole: true });
    this.#tolerance = checked(name, "tolerance", tolerance, { least: 0 });
    this.#weighted = weighted;
  }

  /** Opens a round. */
  begin(global: ParameterVector): StrategyRound {
    return this.#rows.begin(global, (round, into) => this.#iterate(round, into));
  }

  #iterate({ rows, samples }: RoundRows, z: ParameterVector): void {
    columnMedian(rows, z);
    let before = Infinity;
    for (let i = 0; i < this.#iterations; i++) {
      let sum = 0;
      const weights = rows.map((row, k) => {
        const alpha = this.#weighted ? samples[k] ?? NaN : 1;
        const distance = Math.sqrt(squaredDistance(row, z));
        sum += alpha * distance;
        return alpha / Math.max(this.#smoothing, distance);
      });
      if (i > 0 && before - sum <= this.#tolerance * before) return;
      before = sum;
      const total = weights.reduce((all, weight) => all + weight, 0);
      z.fill(0);
      rows.forEach((row, k) => fold(z, row, (weights[k] ?? NaN) / total));
    }
  }
}

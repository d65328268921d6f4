/**
 * The geometric median.
 *
 * @module
 */

import { blend, columnMedian, fold, squaredDistance } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { checked } from "../check.ts";
import { RobustStrategy, type RoundRows } from "./robust_strategy.ts";

/**
 * Share of the median distance within which an update counts as the present point of the iteration;
 * a minority cannot make the median distance large.
 */
const NEAR = 1e-4;

/** Options of {@linkcode GeometricMedian}. */
export interface GeometricMedianOptions {
  /**
   * Smallest distance ν that counts, above 0, so that the iteration does not divide by 0. The
   * default is the paper's.
   *
   * @default {1e-6}
   */
  smoothing?: number;
  /**
   * Largest number of iterations, from 1.
   *
   * @default {100}
   */
  iterations?: number;
  /**
   * Tolerance of the iteration, from 0: it ends when the sum of distances falls by less than this
   * share of the sum that the median distance would give for all.
   *
   * @default {1e-7}
   */
  tolerance?: number;
  /**
   * `true` to weigh each client by its number of samples, as in the paper. The server cannot check
   * the number, so the clients have to be trusted in it.
   *
   * @default {false}
   */
  weighted?: boolean;
}

/**
 * Vector with the least sum of distances from the updates (RFA); less than half of the clients
 * cannot move it far.
 *
 * Pillutla et al. 2022, "Robust Aggregation for Federated Learning", algorithm 2, the smoothed
 * Weiszfeld iteration: `z ← Σ β_k w_k / Σ β_k` with `β_k = α_k / max(ν, ‖z - w_k‖)`. It begins at
 * the coordinate-wise median, which is near the result however large some updates are. At an update
 * that is not the result, whose weight 1 / ν would hold the iteration, it takes the step of Vardi
 * and Zhang 2000, "The multivariate L1-median and associated data depth". Copies of a round's
 * updates lie outside the arena.
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
export class GeometricMedian extends RobustStrategy {
  /** Name in reports. */
  override readonly name = "geometric-median";
  readonly #smoothing: number;
  readonly #iterations: number;
  readonly #tolerance: number;
  readonly #weighted: boolean;

  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor(options: GeometricMedianOptions = {}) {
    super();
    const { smoothing = 1e-6, iterations = 100, tolerance = 1e-7, weighted = false } = options;
    const { name } = this;
    this.#smoothing = checked(name, "smoothing", smoothing, { above: 0 });
    this.#iterations = checked(name, "iterations", iterations, { least: 1, whole: true });
    this.#tolerance = checked(name, "tolerance", tolerance, { least: 0 });
    this.#weighted = weighted;
  }

  /** Iterates from the coordinate-wise median. */
  protected override aggregate({ rows, samples }: RoundRows, z: ParameterVector): void {
    const alphas = rows.map((_, k) => this.#weighted ? samples[k] ?? NaN : 1);
    columnMedian(rows, z);
    let before = Infinity;
    for (let i = 0; i < this.#iterations; i++) {
      const distances = rows.map((row) => Math.sqrt(squaredDistance(row, z)));
      const sum = sumOf(distances.map((distance, k) => (alphas[k] ?? NaN) * distance));
      // Not relative to the sum itself, which a few distant updates can make as large as they like.
      const middle = distances.toSorted((a, b) => a - b)[distances.length >> 1] ?? NaN;
      if (i > 0 && before - sum <= this.#tolerance * middle * sumOf(alphas)) return;
      before = sum;
      const near = Math.max(this.#smoothing, NEAR * middle);
      if (this.#leave(near, { rows, alphas, distances }, z)) continue;
      const weights = distances.map((distance, k) =>
        (alphas[k] ?? NaN) / Math.max(this.#smoothing, distance)
      );
      meanOf(rows, weights, z);
    }
  }

  /**
   * Moves z on from an update, by the step of Vardi and Zhang.
   *
   * @returns False if z is at no update, or should stay where it is.
   */
  #leave(
    near: number,
    { rows, alphas, distances }: {
      rows: readonly ParameterVector[];
      alphas: readonly number[];
      distances: readonly number[];
    },
    z: ParameterVector,
  ): boolean {
    const hold = sumOf(alphas.filter((_, k) => (distances[k] ?? NaN) <= near));
    const weights = distances.map((distance, k) =>
      distance <= near ? 0 : (alphas[k] ?? NaN) / distance
    );
    const weight = sumOf(weights);
    if (hold === 0 || weight === 0) return false;
    const here = z.slice();
    meanOf(rows, weights, z);
    // The strength of the pull of the other updates.
    const pull = weight * Math.sqrt(squaredDistance(z, here));
    if (pull <= hold) {
      z.set(here);
      return false;
    }
    blend(z, here, hold / pull);
    return true;
  }
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Computes the mean of the rows by the weights, without those of weight 0. */
function meanOf(
  rows: readonly ParameterVector[],
  weights: readonly number[],
  into: ParameterVector,
): void {
  const total = sumOf(weights);
  into.fill(0);
  rows.forEach((row, k) => {
    const weight = weights[k] ?? NaN;
    if (weight !== 0) fold(into, row, weight / total);
  });
}

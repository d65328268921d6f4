/**
 * The geometric median.
 *
 * @module
 */

import { blend, columnMedian, fold, squaredDistance } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { checked } from "../check.ts";
import { type RoundRows, Rows } from "./rows.ts";
import type { Strategy, StrategyRound } from "../strategy.ts";

/** Share of the median distance, which a minority cannot make large, within which an update counts as the point where the iteration stands. */
const NEAR = 1e-4;

/** How {@linkcode GeometricMedian} is found. */
export interface GeometricMedianOptions {
  /** The least distance ν that counts, above 0: keeps the iteration from dividing by 0. Default 1e-6, as in the paper. */
  smoothing?: number;
  /** Number of iterations, at most; from 1. Default 100. */
  iterations?: number;
  /** Ends the iteration when the sum of distances falls by less than this share of what it would be, were all as far as the middle one; from 0. Default 1e-7. */
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
 * some updates are. Where it stands at an update that is not the median, which would hold it by its weight 1 / ν, it takes the step of Vardi and Zhang 2000, "The multivariate
 * L1-median and associated data depth", instead. Copies of a round's updates lie outside the arena.
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
  /** True. */
  readonly isRobust = true;
  /** `true`. */
  readonly needsHonestMajority = true;
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
    const alphas = rows.map((_, k) => this.#weighted ? samples[k] ?? NaN : 1);
    columnMedian(rows, z);
    let before = Infinity;
    for (let i = 0; i < this.#iterations; i++) {
      const distances = rows.map((row) => Math.sqrt(squaredDistance(row, z)));
      const sum = sumOf(distances.map((distance, k) => (alphas[k] ?? NaN) * distance));
      // Not by the sum itself, which a few that are far away make as large as they like.
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

  /** Goes on from an update where z stands, by the step of Vardi and Zhang; false where there is none, or z should stay. */
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
    // How strongly the other updates pull.
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

/** The mean of the rows by the weights; those of weight 0 are left out. */
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

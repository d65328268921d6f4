/**
 * Correlated noise of DP-FTRL: the banded square root of the matrix of prefix sums.
 *
 * @module
 */

import { AT_LEAST_ONE, checkInRange } from "../../base/check.ts";

/** Coefficients are multiples of this, so that their products with whole numbers are whole. */
export const COEFFICIENT_UNIT: number = 2 ** -9;

/**
 * Coefficients `c` of the Toeplitz matrix C: `c_0 = 1`, `c_j = c_{j-1} (2j - 1) / 2j`, rounded to
 * multiples of 2^-9.
 *
 * They are those of `(1 - x)^(-1/2)`, whose square gives prefix sums: Fichtenberger, Henzinger and
 * Upadhyay 2023, "Constant Matters: Fine-grained Error Bound on Differentially Private Continual
 * Observation"; cut off after some bands as in Choquette-Choo et al. 2023, "(Amplified)
 * Banded Matrix Factorization: A Unified Approach to Private Training".
 *
 * @param bands Number of coefficients, from 1; 1 means independent noise.
 * @throws {RangeError} If there is no band.
 */
export function bandedCoefficients(bands: number): readonly number[] {
  checkInRange(bands, AT_LEAST_ONE, "Cannot make noise", "a whole number of bands from 1");
  let exact = 1;
  return Array.from({ length: bands }, (_, j) => {
    if (j > 0) exact *= (2 * j - 1) / (2 * j);
    return Math.round(exact / COEFFICIENT_UNIT) * COEFFICIENT_UNIT;
  });
}

/** Limits on the participation of each client in a run. */
export interface Participation {
  /** Largest number of releases that a client takes part in. */
  readonly most: number;
  /** Least distance between two of them: 1 means one after the other. */
  readonly separation: number;
}

/**
 * Noise multiplier of the one Gaussian that a whole run amounts to: `z / (√κ ‖c‖)`.
 *
 * A client that takes part at most κ times, at least as many rounds apart as there are bands,
 * changes columns of C that do not overlap, so the squares of its contributions add up.
 *
 * @param noise Noise multiplier z of each round.
 * @throws {RangeError} If clients may take part again before the bands have passed.
 */
export function bandedNoise(
  noise: number,
  bands: number,
  { most, separation }: Participation,
): number {
  if (separation < bands) {
    throw new RangeError(
      `Cannot account for noise: expected participations at least ${bands} rounds apart, got ${separation}`,
    );
  }
  const squares = bandedCoefficients(bands).reduce((sum, c) => sum + c * c, 0);
  return noise / Math.sqrt(most * squares);
}

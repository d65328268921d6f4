/**
 * Guarantee of one Gaussian mechanism, and of many that are as good as one.
 *
 * @module
 */

import { checkInRange } from "../../base/check.ts";
import { logUpperTail, upperTail } from "./normal.ts";
import { leastArgument, minimum } from "./search.ts";

const PROBLEM = "Cannot account for noise";

/**
 * Returns a number if it can be the δ of a guarantee.
 *
 * @throws {RangeError} If it is not above 0 and below 1.
 */
export function checkDelta(delta: number): number {
  return checkInRange(delta, { above: 0, below: 1 }, PROBLEM, "a delta above 0 and below 1");
}

/**
 * Returns a number if it can be the ε of a guarantee.
 *
 * @throws {RangeError} If it is not above 0.
 */
export function checkEpsilon(epsilon: number): number {
  return checkInRange(epsilon, { above: 0 }, PROBLEM, "an epsilon above 0");
}

/**
 * Returns a number if it can be a noise multiplier.
 *
 * @throws {RangeError} If it is not above 0.
 */
export function checkNoise(noise: number): number {
  return checkInRange(noise, { above: 0 }, PROBLEM, "a noise multiplier above 0");
}

/**
 * Smallest δ of one Gaussian mechanism at an ε.
 *
 * Balle and Wang 2018, "Improving the Gaussian Mechanism for Differential Privacy", theorem 8.
 *
 * @param noise Standard deviation of the noise, divided by the L2 sensitivity.
 * @throws {RangeError} If the noise is not above 0, or ε is below 0.
 */
export function gaussianDelta(noise: number, epsilon: number): number {
  checkNoise(noise);
  checkInRange(epsilon, { least: 0 }, PROBLEM, "an epsilon from 0");
  const half = 1 / (2 * noise), shift = epsilon * noise;
  return Math.max(0, upperTail(shift - half) - Math.exp(epsilon + logUpperTail(shift + half)));
}

/**
 * Smallest ε of one Gaussian mechanism at a δ: the inverse of {@linkcode gaussianDelta}.
 *
 * @throws {RangeError} If the noise is not above 0, or δ is not above 0 and below 1.
 *
 * @example
 * ```ts
 * import { gaussianEpsilon } from "@fedlab/core/privacy";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * assertAlmostEquals(gaussianEpsilon(1, 1e-5), 4.3771781, 1e-7);
 * ```
 */
export function gaussianEpsilon(noise: number, delta: number): number {
  checkNoise(noise);
  checkDelta(delta);
  if (gaussianDelta(noise, 0) <= delta) return 0;
  return leastArgument((epsilon) => gaussianDelta(noise, epsilon), delta, { error: 1e-12 });
}

/**
 * Smallest noise multiplier with which one Gaussian mechanism is (ε, δ)-private.
 *
 * @throws {RangeError} If ε is not above 0, or δ is not above 0 and below 1.
 */
export function gaussianNoise(epsilon: number, delta: number): number {
  checkEpsilon(epsilon);
  checkDelta(delta);
  return leastArgument((noise) => gaussianDelta(noise, epsilon), delta, { error: 1e-12 });
}

/**
 * The ε at a δ of a mechanism with Rényi divergence `rho · α` at each real order α, which zCDP
 * means: the best order's. This holds for discrete Gaussian noise as for a continuous one.
 *
 * Canonne, Kamath and Steinke 2020, "The Discrete Gaussian for Differential Privacy", theorem 4 and
 * proposition 12.
 *
 * @param rho For one Gaussian of noise multiplier z it is `1 / (2 z²)`.
 * @throws {RangeError} If ρ is negative, or δ is not above 0 and below 1.
 */
export function zcdpEpsilon(rho: number, delta: number): number {
  checkInRange(rho, { least: 0 }, PROBLEM, "a rho from 0");
  checkDelta(delta);
  if (rho === 0) return 0;
  const at = (logOrder: number) => {
    const over = Math.exp(logOrder), order = 1 + over;
    return order * rho + Math.log(over / order) - Math.log(delta * order) / over;
  };
  return Math.max(0, minimum(at, Math.log(1e-4), Math.log(1e9)));
}

/**
 * Smallest noise multiplier of one Gaussian, discrete or not, with which {@linkcode zcdpEpsilon} is
 * at most ε.
 *
 * @throws {RangeError} If ε is not above 0, or δ is not above 0 and below 1.
 */
export function zcdpNoise(epsilon: number, delta: number): number {
  checkEpsilon(epsilon);
  checkDelta(delta);
  return leastArgument((noise) => zcdpEpsilon(1 / (2 * noise * noise), delta), epsilon);
}

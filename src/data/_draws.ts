/**
 * Draws of the distributions that partitions are made of. All are logarithms, so that the smallest do not vanish.
 *
 * @module
 */

import type { Random } from "../random.ts";

/** Logarithm of a uniform draw from (0, 1]. */
function logUniform(random: Random): number {
  return Math.log(1 - random.uniform());
}

/**
 * Logarithm of a draw of the gamma distribution of the given shape (above 0) and scale 1.
 *
 * Marsaglia and Tsang 2000, "A Simple Method for Generating Gamma Variables"; a shape below 1 is drawn as
 * Gamma(shape + 1) · U^(1/shape), as they remark.
 */
export function logGamma(random: Random, shape: number): number {
  if (shape < 1) return logGamma(random, shape + 1) + logUniform(random) / shape;
  const d = shape - 1 / 3, c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const root = 1 + c * x;
    if (root <= 0) continue;
    const v = root ** 3, logV = 3 * Math.log(root);
    if (logUniform(random) < x * x / 2 + d - d * v + d * logV) return Math.log(d) + logV;
  }
}

/** Logarithms of a draw of the Dirichlet distribution: gamma draws over their sum. */
export function logDirichlet(random: Random, concentrations: Float64Array): Float64Array {
  const draws = concentrations.map((shape) => logGamma(random, shape));
  const greatest = draws.reduce((a, b) => Math.max(a, b), -Infinity);
  const sum = draws.reduce((sum, draw) => sum + Math.exp(draw - greatest), 0);
  const logSum = greatest + Math.log(sum);
  return draws.map((draw) => draw - logSum);
}

/** Logarithm of a draw of the Pareto distribution from 1: P(X > x) = x^(-exponent). */
export function logPareto(random: Random, exponent: number): number {
  return -logUniform(random) / exponent;
}

/** The numbers of these logarithms, over the greatest of them. */
export function relative(logs: Float64Array): Float64Array<ArrayBuffer> {
  const greatest = logs.reduce((a, b) => Math.max(a, b), -Infinity);
  return Float64Array.from(logs, (log) => Math.exp(log - greatest));
}

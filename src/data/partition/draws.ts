/**
 * Random draws for partitions, as logarithms, so that the smallest do not vanish.
 *
 * @module
 */

import type { Random } from "../../base/random.ts";

/** Draws the logarithm of a uniform number from (0, 1]. */
function logUniform(random: Random): number {
  return Math.log(1 - random.uniform());
}

/**
 * Draws the logarithm of a number from the gamma distribution of a shape (above 0) and scale 1.
 *
 * Marsaglia and Tsang 2000, "A Simple Method for Generating Gamma Variables"; for a shape below 1
 * it is Gamma(shape + 1) · U^(1/shape), as they remark.
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

/** Draws logarithms of proportions from a Dirichlet distribution: gamma draws over their sum. */
export function logDirichlet(random: Random, concentrations: Float64Array): Float64Array {
  const draws = new Float64Array(concentrations.length);
  let greatest = -Infinity, sum = 0;
  for (let i = 0; i < draws.length; i++) {
    const draw = logGamma(random, concentrations[i] ?? 0);
    draws[i] = draw;
    greatest = Math.max(greatest, draw);
  }
  for (const draw of draws) sum += Math.exp(draw - greatest);
  const logSum = greatest + Math.log(sum);
  for (let i = 0; i < draws.length; i++) draws[i] = (draws[i] ?? 0) - logSum;
  return draws;
}

/**
 * Draws the logarithm of a number from the Pareto distribution: P(X > x) = x^(-exponent), x ≥ 1.
 */
export function logPareto(random: Random, exponent: number): number {
  return -logUniform(random) / exponent;
}

/** Converts logarithms to numbers, divided by the largest of them. */
export function relative(logs: Float64Array): Float64Array<ArrayBuffer> {
  let greatest = -Infinity;
  for (const log of logs) greatest = Math.max(greatest, log);
  const numbers = new Float64Array(logs.length);
  for (let i = 0; i < logs.length; i++) numbers[i] = Math.exp((logs[i] ?? 0) - greatest);
  return numbers;
}

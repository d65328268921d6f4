/**
 * Partitions whose parts differ in size only.
 *
 * @module
 */

import { Random } from "../../base/random.ts";
import { checkCount, checkEnoughRows, checkRange, cutSizes, shareOut } from "./rows.ts";
import type { Partition, PartitionData, PartitionSeedOptions } from "./types.ts";
import { logDirichlet, logPareto, relative } from "./draws.ts";
import { checkAlpha } from "./dirichlet.ts";

/** Options of all partitions by size. */
export interface PartitionSizesOptions extends PartitionSeedOptions {
  /**
   * Least number of rows of a part.
   *
   * @default {1}
   */
  minSize?: number;
}

/** Options of {@linkcode partitionDirichletSizes}. */
export interface PartitionDirichletSizesOptions extends PartitionSizesOptions {
  /**
   * Concentration, from 1e-6 (one part has nearly all rows) to 1e6 (equal sizes).
   *
   * @default {1}
   */
  alpha?: number;
}

/** Options of {@linkcode partitionLogNormal}. */
export interface PartitionLogNormalOptions extends PartitionSizesOptions {
  /**
   * Standard deviation of the logarithm of a size, from 0 (equal sizes) to 100.
   *
   * @default {1}
   */
  sigma?: number;
}

/** Options of {@linkcode partitionPowerLaw}. */
export interface PartitionPowerLawOptions extends PartitionSizesOptions {
  /**
   * Exponent of the power law, from 0.01 (one part has nearly all rows) to 1e6 (equal sizes).
   *
   * @default {1.5}
   */
  exponent?: number;
}

/** Throws a `RangeError` unless sigma is in its range. */
export function checkSigma(sigma: number): void {
  checkRange("a sigma", sigma, 0, 100);
}

/** Throws a `RangeError` unless the exponent is in its range. */
export function checkExponent(exponent: number): void {
  checkRange("an exponent", exponent, 0.01, 1e6);
}

/** Gives each part its minimum and, of the remaining rows, a share in proportion to a weight. */
function deal(
  data: PartitionData,
  parts: number,
  { seed, minSize = 1 }: PartitionSizesOptions,
  logWeights: (random: Random) => Float64Array,
): Partition {
  checkCount("parts", parts);
  checkCount("rows of the smallest part", minSize);
  const { length } = data;
  checkEnoughRows(length, parts, minSize);
  const random = new Random(seed, "partition");
  const extra = shareOut(relative(logWeights(random)), length - parts * minSize);
  return cutSizes(random.permutation(length), extra.map((more) => minSize + more));
}

/**
 * Partitions rows at random into parts whose sizes are drawn from a Dirichlet distribution.
 *
 * The sizes are minSize + (n - parts · minSize) q_i with q ~ Dir(alpha, ..., alpha), rounded. The
 * parts are disjoint and cover all rows.
 *
 * Li et al. 2022, "Federated Learning on Non-IID Data Silos: An Experimental Study",
 * "quantity skew".
 *
 * @throws {RangeError} If `parts` or `minSize` is below 1, `alpha` is out of range, or there are
 * fewer than `parts · minSize` rows.
 *
 * @example Ten clients of different sizes
 * ```ts
 * import { partitionDirichletSizes } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const parts = partitionDirichletSizes(new Int32Array(1000), 10, { seed: 1, alpha: 0.5 });
 * assertEquals(parts.reduce((sum, rows) => sum + rows.length, 0), 1000);
 * ```
 */
export function partitionDirichletSizes(
  data: PartitionData,
  parts: number,
  options: PartitionDirichletSizesOptions,
): Partition {
  const { alpha = 1 } = options;
  checkAlpha(alpha);
  return deal(
    data,
    parts,
    options,
    (random) => logDirichlet(random, new Float64Array(parts).fill(alpha)),
  );
}

/**
 * Partitions rows at random into parts whose sizes are drawn from a log-normal distribution.
 *
 * The sizes are minSize + (n - parts · minSize) w_i / Σ_j w_j with ln w_i ~ N(0, sigma²), rounded.
 * The parts are disjoint and cover all rows.
 *
 * The code for the synthetic data of Li et al. 2020, "Federated Optimization in Heterogeneous
 * Networks", draws such sizes, with sigma 2.
 *
 * @throws {RangeError} If `parts` or `minSize` is below 1, `sigma` is out of range, or there are
 * fewer than `parts · minSize` rows.
 */
export function partitionLogNormal(
  data: PartitionData,
  parts: number,
  options: PartitionLogNormalOptions,
): Partition {
  const { sigma = 1 } = options;
  checkSigma(sigma);
  return deal(
    data,
    parts,
    options,
    (random) => Float64Array.from({ length: parts }, () => sigma * random.normal()),
  );
}

/**
 * Partitions rows at random into parts whose sizes follow a power law.
 *
 * The sizes are minSize + (n - parts · minSize) w_i / Σ_j w_j with P(w_i > x) = x^(-exponent) for x
 * from 1 (Pareto), rounded. The parts are disjoint and cover all rows.
 *
 * Clauset, Shalizi and Newman 2009, "Power-Law Distributions in Empirical Data"; their exponent,
 * that of the density, is larger by one.
 *
 * @throws {RangeError} If `parts` or `minSize` is below 1, `exponent` is out of range, or there are
 * fewer than `parts · minSize` rows.
 */
export function partitionPowerLaw(
  data: PartitionData,
  parts: number,
  options: PartitionPowerLawOptions,
): Partition {
  const { exponent = 1.5 } = options;
  checkExponent(exponent);
  return deal(
    data,
    parts,
    options,
    (random) => Float64Array.from({ length: parts }, () => logPareto(random, exponent)),
  );
}

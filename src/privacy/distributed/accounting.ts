/**
 * Guarantee of sums to which each client has added a share of the noise.
 *
 * @module
 */

import { AT_LEAST_ONE, checkInRange } from "../../base/check.ts";
import { type RdpEpsilon, rdpToEpsilon, WHOLE_ORDERS } from "../accounting/rdp.ts";

const PROBLEM = "Cannot account for noise";

/** Sum of clients' vectors in whole units, with discrete Gaussian noise of each client. */
export interface DistributedSum {
  /** Standard deviation of the noise of one client. */
  readonly deviation: number;
  /** Size of a unit. */
  readonly unit: number;
  /** Number of clients whose noise is in the sum, and not known to who sees it. */
  readonly clients: number;
  /** Largest L2 norm of a client's vector in the sum. */
  readonly sensitivity: number;
  /** Number of values. */
  readonly dimension: number;
}

/**
 * Bound of how much a sum of discrete Gaussian variables differs from one of their total variance:
 * τ of Kairouz, Liu and Steinke 2021, "The Distributed Discrete Gaussian Mechanism for Federated
 * Learning with Secure Aggregation", theorem 5. It vanishes once the deviation is above two units.
 */
export function sumExcess(
  { deviation, unit, clients }: Pick<DistributedSum, "deviation" | "unit" | "clients">,
): number {
  const exponent = -2 * Math.PI ** 2 * (deviation / unit) ** 2;
  let sum = 0;
  for (let k = 1; k < clients; k++) sum += Math.exp(exponent * k / (k + 1));
  return 10 * sum;
}

/**
 * Rényi divergence of one release of such a sum, for neighbours of which one has zeros in place of
 * a client's vector: corollary 12 of the same paper.
 *
 * @param order The order α, above 1.
 * @throws {RangeError} If an argument is out of range.
 */
export function distributedGaussianRdp(sum: DistributedSum, order: number): number {
  const { deviation, unit, clients, sensitivity, dimension } = sum;
  for (const value of [deviation, unit, sensitivity]) {
    checkInRange(value, { above: 0 }, PROBLEM, "a deviation, a unit and a norm above 0");
  }
  checkInRange(clients, AT_LEAST_ONE, PROBLEM, "a whole number of clients from 1");
  checkInRange(dimension, AT_LEAST_ONE, PROBLEM, "a whole number of values from 1");
  checkInRange(order, { above: 1 }, PROBLEM, "an order above 1");
  const excess = sumExcess(sum), root = Math.sqrt(dimension);
  const second = sensitivity / (Math.sqrt(clients) * deviation);
  const first = second * Math.min(root, sensitivity / unit);
  return Math.min(
    order * second ** 2 / 2 + excess * dimension,
    order * (second ** 2 + 2 * first * excess + excess ** 2 * dimension) / 2,
    order * (second + root * excess) ** 2 / 2,
  );
}

/**
 * Smallest ε of a number of releases that a client is in.
 *
 * @throws {RangeError} If an argument is out of range.
 *
 * @example
 * ```ts
 * import { distributedEpsilon } from "@fedlab/core/privacy";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const sum = { deviation: 0.03, unit: 2 ** -14, clients: 100, dimension: 2 ** 21 };
 * const { epsilon } = distributedEpsilon({ ...sum, sensitivity: 0.1093706 }, 1, 1e-5);
 * assertAlmostEquals(epsilon, 1.529539, 1e-5);
 * ```
 */
export function distributedEpsilon(
  sum: DistributedSum,
  releases: number,
  delta: number,
): RdpEpsilon {
  const divergences = WHOLE_ORDERS.map((order) => releases * distributedGaussianRdp(sum, order));
  return rdpToEpsilon(WHOLE_ORDERS, divergences, delta);
}

/**
 * Rényi divergence of the sampled Gaussian mechanism.
 *
 * @module
 */

import { AT_LEAST_ONE, checkInRange, SHARE } from "../../base/check.ts";
import { checkDelta, checkNoise } from "./gaussian.ts";

const PROBLEM = "Cannot account for noise";
/** Conversions at orders closer to 1 lose all digits. */
const LEAST_ORDER = 1.01;
/** Below this the terms of a difference are added one by one, as they cancel each other. */
const SMALL = 1e-3;
const LARGE_EXPONENT = 600;

/** Releases of one kind: sums of clipped vectors of sampled members, with Gaussian noise. */
export interface GaussianReleases {
  /** Standard deviation of the noise, divided by the L2 sensitivity; above 0. */
  readonly noise: number;
  /** Probability with which each member takes part, by itself; above 0 and at most 1. */
  readonly rate: number;
  /** Number of releases, from 1. */
  readonly count: number;
}

/** ε of a guarantee, with the order of the Rényi divergence that gives it. */
export interface RdpEpsilon {
  /** The smallest ε over the orders. */
  readonly epsilon: number;
  /** The order. */
  readonly order: number;
}

/** Orders for continuous noise: 1.1 to 10.9 by 0.1, 11 to 63, and three larger ones. */
export const REAL_ORDERS: readonly number[] = [
  ...Array.from({ length: 99 }, (_, i) => (i + 11) / 10),
  ...Array.from({ length: 53 }, (_, i) => i + 11),
  ...[128, 256, 512, 1024],
];

/**
 * Orders for sampled discrete noise: 2 to 256. Only at whole orders its divergence is that of a
 * continuous one.
 */
export const WHOLE_ORDERS: readonly number[] = Array.from({ length: 255 }, (_, i) => i + 2);

/** Checks a kind of releases. */
export function checkReleases({ noise, rate, count }: GaussianReleases): void {
  checkNoise(noise);
  checkInRange(rate, SHARE, PROBLEM, "a sampling rate above 0 and at most 1");
  checkInRange(count, AT_LEAST_ONE, PROBLEM, "a whole number of releases from 1");
}

/** Returns `log Σ exp(x)`. */
function logSum(terms: ArrayLike<number>): number {
  let most = -Infinity, sum = 0;
  for (let i = 0; i < terms.length; i++) most = Math.max(most, terms[i] ?? 0);
  if (most === -Infinity) return most;
  for (let i = 0; i < terms.length; i++) sum += Math.exp((terms[i] ?? 0) - most);
  return most + Math.log(sum);
}

/** Returns `log(1 + exp(x))`. */
function log1pExp(x: number): number {
  return x > 40 ? x : Math.log1p(Math.exp(x));
}

/** `log E[ratio^order]` at a whole order: a sum without its first two terms, which are 1. */
function logMomentWhole(noise: number, rate: number, order: number): number {
  const terms = new Float64Array(order - 1);
  let logChoose = Math.log(order);
  for (let i = 2; i <= order; i++) {
    logChoose += Math.log((order - i + 1) / i);
    const exponent = i * (i - 1) / (2 * noise * noise);
    const logLess1 = exponent > 40 ? exponent : Math.log(Math.expm1(exponent));
    terms[i - 2] = logChoose + (order - i) * Math.log1p(-rate) + i * Math.log(rate) + logLess1;
  }
  return log1pExp(logSum(terms));
}

/** `(1 + w)^order - 1 - order·w`, also for a small `w`. */
function beyondLinear(w: number, order: number): number {
  if (Math.abs(w) * order > SMALL) return Math.expm1(order * Math.log1p(w)) - order * w;
  let term = order * w, sum = 0;
  for (let k = 2; k < 9; k++) {
    term *= (order - k + 1) / k * w;
    sum += term;
  }
  return sum;
}

/**
 * `log E[ratio^order]` at any order by the trapezoidal rule, whose error falls exponentially in the
 * number of points, as the integrand is analytic. Its poles lie `π·noise²` off the real line.
 */
function logMomentReal(noise: number, rate: number, order: number): number {
  const variance = noise * noise;
  const step = Math.min(noise, Math.PI * variance) / 8;
  const from = -40 * noise, points = Math.ceil((order + 80 * noise) / step);
  const isLarge = order * (order - 1) / (2 * variance) > LARGE_EXPONENT;
  const terms = isLarge ? new Float64Array(points) : [];
  const scale = step / (noise * Math.sqrt(2 * Math.PI));
  let sum = 0;
  for (let i = 0; i < points; i++) {
    const x = from + i * step;
    const u = (2 * x - 1) / (2 * variance);
    const logDensity = -x * x / (2 * variance);
    if (isLarge) {
      const logRatio = u > 0
        ? u + Math.log(rate + (1 - rate) * Math.exp(-u))
        : Math.log1p(rate * Math.expm1(u));
      terms[i] = logDensity + order * logRatio;
    } else {
      sum += order * u > 300
        ? Math.exp(logDensity + order * (u + Math.log(rate)))
        : Math.exp(logDensity) * beyondLinear(rate * Math.expm1(u), order);
    }
  }
  return isLarge ? logSum(terms) + Math.log(scale) : Math.log1p(sum * scale);
}

/**
 * Rényi divergence of one release of a sampled Gaussian mechanism, for neighbours that differ by
 * adding or removing a member.
 *
 * Mironov, Talwar and Zhang 2019, "Rényi Differential Privacy of the Sampled Gaussian Mechanism",
 * section 3.3: a finite sum at whole orders. At others the expectation is integrated numerically.
 *
 * @param order The order α, above 1.
 * @throws {RangeError} If an argument is out of range.
 *
 * @example
 * ```ts
 * import { sampledGaussianRdp } from "@fedlab/core/privacy";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * assertAlmostEquals(sampledGaussianRdp({ noise: 1, rate: 0.1 }, 4), 5.867260696e-2, 1e-11);
 * ```
 */
export function sampledGaussianRdp(
  { noise, rate }: Pick<GaussianReleases, "noise" | "rate">,
  order: number,
): number {
  checkReleases({ noise, rate, count: 1 });
  checkInRange(order, { above: 1 }, PROBLEM, "an order above 1");
  if (rate === 1) return order / (2 * noise * noise);
  const logMoment = Number.isInteger(order)
    ? logMomentWhole(noise, rate, order)
    : logMomentReal(noise, rate, order);
  return logMoment / (order - 1);
}

/**
 * Smallest ε that Rényi divergences at some orders give.
 *
 * Canonne, Kamath and Steinke 2020, proposition 12:
 * `ε = r + ln(1 - 1/α) - ln(δα) / (α - 1)`.
 *
 * @param divergences Divergence at each order, in the order of `orders`.
 * @throws {RangeError} If δ is not above 0 and below 1, or there is no order above 1.01.
 */
export function rdpToEpsilon(
  orders: readonly number[],
  divergences: readonly number[],
  delta: number,
): RdpEpsilon {
  checkDelta(delta);
  let best: RdpEpsilon | undefined;
  orders.forEach((order, i) => {
    if (!(order > LEAST_ORDER)) return;
    const divergence = divergences[i] ?? Infinity;
    const epsilon = Math.max(
      0,
      divergence + Math.log1p(-1 / order) - Math.log(delta * order) / (order - 1),
    );
    if (best === undefined || epsilon < best.epsilon) best = { epsilon, order };
  });
  if (best !== undefined) return best;
  throw new RangeError(`${PROBLEM}: expected an order above ${LEAST_ORDER}, got none`);
}

/**
 * Smallest ε of releases together, by their Rényi divergences, which add up.
 *
 * @param orders The orders tried. Default {@linkcode WHOLE_ORDERS}, which hold for discrete noise.
 * @throws {RangeError} If an argument is out of range.
 */
export function rdpEpsilon(
  releases: readonly GaussianReleases[],
  delta: number,
  orders: readonly number[] = WHOLE_ORDERS,
): RdpEpsilon {
  checkDelta(delta);
  releases.forEach(checkReleases);
  if (releases.length === 0) return { epsilon: 0, order: orders[0] ?? NaN };
  const divergences = orders.map((order) =>
    releases.reduce((sum, kind) => sum + kind.count * sampledGaussianRdp(kind, order), 0)
  );
  return rdpToEpsilon(orders, divergences, delta);
}

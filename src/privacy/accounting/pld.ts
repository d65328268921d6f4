/**
 * Privacy loss distributions of sampled Gaussian mechanisms.
 *
 * @module
 */

import { checkDelta } from "./gaussian.ts";
import { between, upperTail } from "./normal.ts";
import { checkReleases, type GaussianReleases } from "./rdp.ts";
import { transform } from "./fft.ts";

/** Mass that is cut off each tail, and counted as a full loss of privacy. */
const TAIL = 1e-14;
const MAX_POINTS = 2 ** 22;
/** Standard deviations past which a normal variable has less mass than `TAIL`. */
const REACH = 8.5;

/** Direction of the neighbours: the data set that has the member, the first or the second. */
type Direction = "remove" | "add";

/** Distribution of the loss over the points of a grid. */
interface Losses {
  /** Index of the first point; its loss is `first · step`. */
  readonly first: number;
  /** Probability of each point. */
  readonly masses: Float64Array;
  /** Probability of an infinite loss. */
  readonly infinite: number;
}

/**
 * Distribution of one release, rounded to a grid so that no guarantee becomes better: the mass
 * between two neighbouring points moves to both, such that the probabilities of both hypotheses
 * stay.
 *
 * Doroshenko, Ghazi, Kamath, Kumar and Manurangsi 2022, "Connect the Dots: Tighter Discrete
 * Approximations of Privacy Loss Distributions".
 */
function lossesOf({ noise, rate }: GaussianReleases, direction: Direction, step: number): Losses {
  const variance = noise * noise;
  const isRemove = direction === "remove";
  /** Loss of an outcome for `remove`; `add` has it with the opposite sign. */
  const lossAt = (x: number) => {
    const u = (2 * x - 1) / (2 * variance);
    return u > 0
      ? u + Math.log(rate + (1 - rate) * Math.exp(-u))
      : Math.log1p(rate * Math.expm1(u));
  };
  const outcomeAt = (loss: number) => {
    const over = Math.expm1(loss) + rate;
    return over <= 0 ? -Infinity : variance * Math.log(over / rate) + 0.5;
  };
  const lowest = -REACH * noise, highest = 1 + REACH * noise;
  const first = Math.floor((isRemove ? lossAt(lowest) : -lossAt(highest)) / step);
  const last = Math.ceil((isRemove ? lossAt(highest) : -lossAt(lowest)) / step);
  const masses = new Float64Array(last - first + 1);
  const without = (a: number, b: number) => between(a / noise, b / noise);
  const mixed = (a: number, b: number) => (1 - rate) * without(a, b) + rate * without(a - 1, b - 1);
  const [likely, unlikely] = isRemove ? [mixed, without] : [without, mixed];
  const edge = (index: number) => outcomeAt(isRemove ? index * step : -index * step);
  const split = -1 / Math.expm1(-step);
  let from = edge(first);
  for (let i = 0; i < masses.length - 1; i++) {
    const to = edge(first + i + 1);
    const [a, b] = isRemove ? [from, to] : [to, from];
    const mass = likely(a, b);
    const upper = (mass - Math.exp((first + i) * step) * unlikely(a, b)) * split;
    const moved = Math.min(mass, Math.max(0, upper));
    masses[i + 1] = (masses[i + 1] ?? 0) + moved;
    masses[i] = (masses[i] ?? 0) + mass - moved;
    from = to;
  }
  // What lies below the first point moves up to it; what lies above the last one is lost.
  const below = isRemove
    ? (1 - rate) * upperTail(-edge(first) / noise) + rate * upperTail((1 - edge(first)) / noise)
    : upperTail(edge(first) / noise);
  masses[0] = (masses[0] ?? 0) + below;
  const infinite = isRemove ? mixed(from, Infinity) : without(-Infinity, from);
  return { first, masses, infinite };
}

/** Logarithm of the moment generating function of a distribution at `t`. */
function logMoment({ first, masses }: Losses, step: number, t: number): number {
  const at = (i: number) => Math.log(masses[i] ?? 0) + t * (first + i) * step;
  let most = -Infinity, sum = 0;
  for (let i = 0; i < masses.length; i++) most = Math.max(most, at(i));
  for (let i = 0; i < masses.length; i++) sum += Math.exp(at(i) - most);
  return most + Math.log(sum);
}

/** Bounds past which a composition has less mass than `TAIL`, by Chernoff's inequality. */
function boundsOf(parts: readonly (readonly [Losses, number])[], step: number): [number, number] {
  const total = (t: number) =>
    parts.reduce((sum, [losses, count]) => sum + count * logMoment(losses, step, t), 0);
  let low = -Infinity, high = Infinity;
  for (let t = 1 / 32; t <= 256; t *= Math.SQRT2) {
    high = Math.min(high, (total(t) - Math.log(TAIL)) / t);
    low = Math.max(low, (Math.log(TAIL) - total(-t)) / t);
  }
  return [low, high];
}

/** Composes distributions, each with itself as often as given. */
function compose(parts: readonly (readonly [Losses, number])[], step: number): Losses {
  const [low, high] = boundsOf(parts, step);
  const first = Math.floor(low / step), span = Math.ceil(high / step) - first + 1;
  const width = Math.max(span, ...parts.map(([{ masses }]) => masses.length));
  const n = 2 ** Math.ceil(Math.log2(width));
  if (n > MAX_POINTS) {
    throw new RangeError(
      `Cannot account for noise: expected losses up to ${MAX_POINTS / 2 * step}, got ${high}`,
    );
  }
  const re = new Float64Array(n).fill(1), im = new Float64Array(n);
  let logFinite = 0, shift = 0;
  for (const [{ first: start, masses, infinite }, count] of parts) {
    const x = new Float64Array(n), y = new Float64Array(n);
    x.set(masses);
    transform(x, y);
    for (let i = 0; i < n; i++) {
      const a = x[i] ?? 0, b = y[i] ?? 0;
      const size = Math.hypot(a, b) ** count, angle = Math.atan2(b, a) * count;
      const c = size * Math.cos(angle), s = size * Math.sin(angle);
      const real = re[i] ?? 0, imaginary = im[i] ?? 0;
      re[i] = real * c - imaginary * s;
      im[i] = real * s + imaginary * c;
    }
    shift += start * count;
    logFinite += count * Math.log1p(-infinite);
  }
  transform(re, im, true);
  const masses = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    // Sums are modulo n: the point `first + i` is at this place of the transform.
    const place = ((first + i - shift) % n + n) % n;
    masses[i] = Math.max(0, re[place] ?? 0);
  }
  return { first, masses, infinite: -Math.expm1(logFinite) + 2 * TAIL };
}

/** Smallest δ of a distribution at an ε. */
function deltaAt({ first, masses, infinite }: Losses, step: number, epsilon: number): number {
  let delta = infinite;
  for (let i = Math.max(0, Math.floor(epsilon / step) - first); i < masses.length; i++) {
    const over = (first + i) * step - epsilon;
    if (over > 0) delta -= Math.expm1(-over) * (masses[i] ?? 0);
  }
  return delta;
}

/**
 * Smallest ε of a distribution at a δ. Between two points δ is linear in `exp(ε)`, so one pass from
 * the highest loss downwards finds it.
 */
function epsilonAt({ first, masses, infinite }: Losses, step: number, delta: number): number {
  if (infinite > delta) return Infinity;
  let mass = infinite, weighted = 0;
  for (let i = masses.length - 1; i >= 0; i--) {
    const loss = (first + i) * step;
    if (weighted > 0 && mass - Math.exp(loss) * weighted > delta) break;
    if (loss < 0) break;
    mass += masses[i] ?? 0;
    weighted += (masses[i] ?? 0) * Math.exp(-loss);
  }
  return mass <= delta ? 0 : Math.max(0, Math.log((mass - delta) / weighted));
}

/**
 * Privacy loss distributions of releases together, for both directions of neighbours that differ by
 * adding or removing a member. The guarantee is that of continuous noise, and an upper bound of it.
 */
export class LossDistribution {
  readonly #directions: readonly Losses[];
  readonly #step: number;

  /**
   * Composes the distributions by a fast Fourier transform.
   *
   * @param releases The releases. None have no loss.
   * @throws {RangeError} If an argument is out of range, or the losses are too large.
   */
  constructor(releases: readonly GaussianReleases[]) {
    releases.forEach(checkReleases);
    const total = releases.reduce((sum, { count }) => sum + count, 0);
    // Rounding to the grid adds up to count · step² / 4 to the variance of the loss.
    const step = this.#step = Math.min(1e-3, 1e-2 / Math.sqrt(Math.max(1, total)));
    this.#directions = total === 0
      ? []
      : (["remove", "add"] as const).map((direction) =>
        compose(releases.map((kind) => [lossesOf(kind, direction, step), kind.count]), step)
      );
  }

  /** Returns the smallest δ at an ε, from 0. */
  delta(epsilon: number): number {
    const deltas = this.#directions.map((losses) => deltaAt(losses, this.#step, epsilon));
    return Math.max(0, ...deltas);
  }

  /**
   * Returns the smallest ε at a δ; `Infinity` if there is none.
   *
   * @throws {RangeError} If δ is not above 0 and below 1.
   */
  epsilon(delta: number): number {
    checkDelta(delta);
    const all = this.#directions.map((losses) => epsilonAt(losses, this.#step, delta));
    return Math.max(0, ...all);
  }
}

/**
 * Smallest ε of releases together, by their privacy loss distributions.
 *
 * @throws {RangeError} If an argument is out of range, or the losses are too large.
 *
 * @example
 * ```ts
 * import { pldEpsilon } from "@fedlab/core/privacy";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const releases = [{ noise: 1, rate: 0.1, count: 100 }];
 * assertAlmostEquals(pldEpsilon(releases, 1e-3), 4.784, 1e-3);
 * ```
 */
export function pldEpsilon(releases: readonly GaussianReleases[], delta: number): number {
  return new LossDistribution(releases).epsilon(delta);
}

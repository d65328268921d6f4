/**
 * Share of one client in the noise of a sum.
 *
 * @module
 */

import { AT_LEAST_ONE, checkInRange } from "../../base/check.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { RingVector } from "../../secure/quantize.ts";
import { type Ring, ringOf, type RingSettings } from "../../secure/ring.ts";
import { DiscreteGaussian } from "../noise/discrete_gaussian.ts";
import { type NoiseSource, systemNoise } from "../noise/random_words.ts";
import type { DistributedSum } from "./accounting.ts";
import { type MemberShare, quantizeClipped } from "./member_share.ts";

const PROBLEM = "Cannot share the noise of a sum";
/** Range of noise multipliers. */
const LEAST_NOISE = 0.05, MOST_NOISE = 1e4;
/** Range of the logarithm of a client's deviation, in units of the ring. */
const LEAST_LOG = 4, MOST_LOG = 26;
/** Deviations of the noise of the whole sum for which the ring has room. */
const REACH = 12;
const MOST_SIGNED = 2 ** 31 - 1;

/** Settings that the clients of a sum agree on. */
export interface NoiseShareSettings {
  /** Largest L2 norm of a client's update; larger ones are scaled down to it. */
  readonly clip: number;
  /** Standard deviation of the noise of `fewest` clients, divided by the clip. */
  readonly noise: number;
  /**
   * Least number of clients of a sum whose noise is not known to who sees it: the least number of
   * updates that a sum may be made of, less those of clients that collude.
   */
  readonly fewest: number;
  /** Largest number of clients of a sum. */
  readonly maxMembers: number;
}

/**
 * Discrete Gaussian noise that each client adds to its update before it is masked, so that the sum
 * is private although nobody is trusted with the single updates.
 *
 * Kairouz, Liu and Steinke 2021, "The Distributed Discrete Gaussian Mechanism for Federated
 * Learning with Secure Aggregation", without the rotation, which a ring of 32 bits does not need.
 * Updates are clipped and cut to whole units towards zero, so no norm grows. Each client adds a
 * `fewest`th of the variance: a sum with drop-outs is private as long as `fewest` clients are in
 * it, and more of them add more noise than is needed. Each update counts alike, and no figures go
 * along.
 *
 * @example Sum of five clients in the clear
 * ```ts
 * import { NoiseShare } from "@fedlab/core/privacy";
 * import { addMeanUpdate, ClearSum, LANES } from "@fedlab/core/secure";
 * import { assertEquals } from "@std/assert";
 *
 * const share = new NoiseShare({ clip: 1, noise: 0.5, fewest: 4, maxMembers: 5 });
 * const sum = new ClearSum(2 + LANES), update = new Float32Array([0.5, 0]);
 * for (let client = 0; client < 5; client++) sum.add(share.quantize(update));
 * const model = new Float32Array(2);
 * addMeanUpdate(share.ring, sum.finish(), new Float32Array(2), model);
 * assertEquals(model.every(Number.isFinite), true);
 * ```
 */
export class NoiseShare implements MemberShare {
  /** Ring in which the updates are summed. */
  readonly ring: Ring;
  /** Size of a unit of the ring. */
  readonly unit: number;
  readonly #settings: NoiseShareSettings;
  readonly #noise: DiscreteGaussian;

  /**
   * Makes the share of a client.
   *
   * @param source Random bits; those of the system unless a test has others.
   * @throws {RangeError} If a setting is out of range, or the ring has no room for the noise.
   */
  constructor(settings: NoiseShareSettings, source: NoiseSource = systemNoise()) {
    this.#settings = settings;
    const { log, ...ring } = ringSettings(settings);
    this.ring = ringOf(ring);
    this.unit = this.ring.clip / this.ring.levels;
    this.#noise = new DiscreteGaussian(log, source);
  }

  /** Standard deviation of the noise of one client. */
  get deviation(): number {
    return this.unit * 2 ** this.#noise.logDeviation;
  }

  /** Describes the sum of the fewest clients, for its account. */
  sumOf(dimension: number): DistributedSum {
    const { clip, fewest } = this.#settings, { unit, deviation } = this;
    return { deviation, unit, clients: fewest, sensitivity: clip, dimension };
  }

  /**
   * Clips an update, adds the noise, and puts it into the ring with its lanes: one sample, and no
   * figures.
   *
   * @throws {SecureError} "non-finite".
   */
  quantize(update: ParameterVector, into?: RingVector): RingVector {
    const { unit } = this, { clip } = this.#settings;
    return quantizeClipped(update, { clip, unit }, (values) => this.#noise.addTo(values), into);
  }
}

/**
 * Returns the ring in which such updates are summed, with the logarithm of the deviation of each
 * client's noise in its units. The units are as small as the ring has room for the largest sum and
 * its noise.
 *
 * @throws {RangeError} If a setting is out of range, or there is no room.
 */
export function ringSettings(
  { clip, noise, fewest, maxMembers }: NoiseShareSettings,
): Required<RingSettings> & { readonly log: number } {
  checkInRange(clip, { above: 0 }, PROBLEM, "a finite clip above 0");
  const range = { least: LEAST_NOISE, most: MOST_NOISE };
  const expected = `a noise multiplier from ${LEAST_NOISE} to ${MOST_NOISE}`;
  checkInRange(noise, range, PROBLEM, expected);
  checkInRange(maxMembers, AT_LEAST_ONE, PROBLEM, "a whole number of members from 1");
  const ofAll = { whole: true, least: 1, most: maxMembers };
  checkInRange(fewest, ofAll, PROBLEM, `1 to ${maxMembers} clients in a sum at least`);
  for (let log = MOST_LOG; log >= LEAST_LOG; log--) {
    const deviation = 2 ** log, most = Math.sqrt(fewest) * deviation / noise;
    const sum = maxMembers * most + REACH * Math.sqrt(maxMembers) * deviation;
    if (sum > MOST_SIGNED) continue;
    const levels = Math.floor(MOST_SIGNED / maxMembers), unit = clip / most;
    // No losses go along. In the place of their limit, which is bound into the masks, stands the
    // deviation: masks of members who were told other noise do not cancel.
    const maxLoss = unit * deviation, rounding = "toward-zero";
    return { clip: unit * levels, maxSamples: 1, maxMembers, maxLoss, rounding, log };
  }
  throw new RangeError(
    `${PROBLEM}: expected sums of fewer members or less noise, got ${maxMembers} members with a noise of ${noise}, for which the ring has no room`,
  );
}

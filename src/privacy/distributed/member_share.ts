/**
 * Form in which members of secure aggregation send their updates in a private run.
 *
 * @module
 */

import { checkInRange } from "../../base/check.ts";
import { errorMessage } from "../../base/errors.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { SecureError } from "../../secure/errors.ts";
import { LANES, type RingVector } from "../../secure/quantize.ts";
import { type Ring, ringOf, type RingSettings } from "../../secure/ring.ts";
import { addClipped } from "../mechanism/clip.ts";
import type { Grid } from "../mechanism/mechanism.ts";

/** Updates of a member, clipped to a norm and in whole numbers, each counting alike. */
export interface MemberShare {
  /** Ring in which the updates are summed. */
  readonly ring: Ring;
  /**
   * Puts an update into the ring, with its lanes: one sample, and no figures.
   *
   * @throws {SecureError} "non-finite".
   */
  quantize(update: ParameterVector, into?: RingVector): RingVector;
}

/**
 * Clips an update to an L2 norm and cuts it to whole units towards zero, by which no norm grows.
 *
 * @param addNoise Adds noise to the whole numbers; none by default.
 * @param into Vector of the ring; a new one by default.
 * @throws {SecureError} "non-finite".
 */
export function quantizeClipped(
  update: ParameterVector,
  grid: Grid,
  addNoise: (values: Float64Array) => void = () => {},
  into: RingVector = new Uint32Array(update.length + LANES),
): RingVector {
  const { length } = update, values = new Float64Array(length);
  try {
    addClipped(values, { from: new Float32Array(length), to: update }, grid);
  } catch (cause) {
    throw new SecureError("non-finite", errorMessage(cause), { cause });
  }
  addNoise(values);
  into.fill(0);
  // Values of the ring are taken modulo 2^32.
  into.set(values);
  into[length] = 1;
  return into;
}

/**
 * Updates without noise, to whose sum the server adds it.
 *
 * @example An update of norm 5, clipped to 1
 * ```ts
 * import { ClippedShare } from "@fedlab/core/privacy";
 * import { assertEquals } from "@std/assert";
 *
 * const ring = { clip: 2, maxSamples: 1, maxMembers: 3, rounding: "toward-zero" } as const;
 * const share = new ClippedShare(1, ring), unit = share.ring.clip / share.ring.levels;
 * const [x = 0, y = 0] = share.quantize(new Float32Array([3, -4]));
 * assertEquals([x, y | 0].map((units) => (units * unit).toFixed(6)), ["0.600000", "-0.800000"]);
 * ```
 */
export class ClippedShare implements MemberShare {
  /** Ring in which the updates are summed. */
  readonly ring: Ring;
  readonly #grid: Grid;

  /**
   * Makes the share of a client.
   *
   * @param norm Largest L2 norm of an update.
   * @param settings The ring: a member counts as one sample, and rounds towards zero.
   * @throws {RangeError} If the ring has no room for the norm, or another weight or rounding.
   */
  constructor(norm: number, settings: RingSettings) {
    const problem = "Cannot clip updates", ring = this.ring = ringOf(settings);
    const { maxSamples, rounding } = ring;
    checkInRange(norm, { above: 0, most: ring.clip }, problem, `a norm up to ${ring.clip}`);
    if (maxSamples !== 1 || rounding !== "toward-zero") {
      throw new RangeError(
        `${problem}: expected members of one sample that round toward-zero, got ${maxSamples} and ${rounding}`,
      );
    }
    this.#grid = { clip: norm, unit: ring.clip / ring.levels };
  }

  /**
   * Clips an update, and puts it into the ring with its lanes: one sample, and no figures.
   *
   * @throws {SecureError} "non-finite".
   */
  quantize(update: ParameterVector, into?: RingVector): RingVector {
    return quantizeClipped(update, this.#grid, undefined, into);
  }
}

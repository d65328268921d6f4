/**
 * Settings of secure aggregation that clients agree on with the plan.
 *
 * @module
 */

import { errorMessage } from "../base/errors.ts";
import { ringOf, type RingSettings } from "../secure/ring.ts";
import { v } from "./deps.ts";
import { finiteNumber, uint32 } from "./schemas.ts";

/** Noise that the members of a sum add to their updates before they mask them. */
export interface SharedNoise {
  /** Largest L2 norm of an update; members scale larger ones down to it. */
  readonly clip: number;
  /** Standard deviation of the noise of `fewest` members, divided by the clip. */
  readonly noise: number;
  /** Number of members whose noise makes the sum private. */
  readonly fewest: number;
  /** Least number of updates of a sum: members take no smaller threshold. */
  readonly threshold: number;
}

/**
 * Settings of secure aggregation: the ring in which updates are summed. They are part of the plan,
 * where a client that does not know them refuses to train.
 */
export interface SecureSettings extends RingSettings {
  /**
   * Set if the members sign their keys, and the list of those whose updates have arrived, by the
   * keys with which they join.
   *
   * @default {false}
   */
  readonly signed?: boolean;
  /**
   * Noise that each member adds to its update: distributed differential privacy.
   *
   * @default {undefined} None.
   */
  readonly noise?: SharedNoise;
  /**
   * Largest L2 norm of an update: members scale larger ones down to it, and all count alike. The
   * server adds noise to their sum. Without `noise`, which has a clip of its own.
   *
   * @default {undefined} Each value is clamped by itself.
   */
  readonly maxNorm?: number;
}

/** Check of settings that come from the wire. */
export const secureSettingsSchema = v.strictObject({
  clip: v.pipe(finiteNumber, v.gtValue(0)),
  maxSamples: uint32(1),
  maxMembers: uint32(3),
  maxLoss: v.exactOptional(v.pipe(finiteNumber, v.gtValue(0))),
  rounding: v.exactOptional(v.picklist(["random", "toward-zero"])),
  signed: v.exactOptional(v.boolean()),
  noise: v.exactOptional(v.strictObject({
    clip: v.pipe(finiteNumber, v.gtValue(0)),
    noise: v.pipe(finiteNumber, v.gtValue(0)),
    fewest: uint32(1),
    threshold: uint32(1),
  })),
  maxNorm: v.exactOptional(v.pipe(finiteNumber, v.gtValue(0))),
});

/**
 * Checks settings of secure aggregation.
 *
 * @param problem The beginning of the error's message.
 * @throws {RangeError} If a setting is out of range, or sums could overflow.
 */
export function checkSecure(settings: SecureSettings, problem: string): void {
  try {
    ringOf(settings);
  } catch (cause) {
    const text = errorMessage(cause).replace(/^Cannot make the ring: /, "secure.");
    throw new RangeError(`${problem}: ${text}`, { cause });
  }
}

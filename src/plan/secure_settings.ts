/**
 * Settings of secure aggregation that clients agree on with the plan.
 *
 * @module
 */

import { errorMessage } from "../base/errors.ts";
import { ringOf, type RingSettings } from "../secure/ring.ts";
import { v } from "./deps.ts";
import { finiteNumber, uint32 } from "./schemas.ts";

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
}

/** Check of settings that come from the wire. */
export const secureSettingsSchema = v.strictObject({
  clip: v.pipe(finiteNumber, v.gtValue(0)),
  maxSamples: uint32(1),
  maxMembers: uint32(3),
  maxLoss: v.exactOptional(v.pipe(finiteNumber, v.gtValue(0))),
  rounding: v.exactOptional(v.picklist(["random", "toward-zero"])),
  signed: v.exactOptional(v.boolean()),
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
    throw new RangeError(`${problem}: ${errorMessage(cause)}`, { cause });
  }
}

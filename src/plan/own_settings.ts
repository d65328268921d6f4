/**
 * Settings of training that a client chooses itself.
 *
 * @module
 */

import { isInRange } from "../base/check.ts";
import { v } from "./deps.ts";
import { uint32 } from "./schemas.ts";
import type { TrainSettings } from "./settings.ts";

/** Settings that a client uses in place of the server's, in every round. */
export interface OwnSettings {
  /** Local epochs, at least 1. */
  readonly epochs?: number;
  /** Samples of a step; 0 takes all of the client's data at once. */
  readonly batchSize?: number;
}

/** Range of whole numbers, both ends included. */
export interface SettingRange {
  /** Least value. */
  readonly least: number;
  /** Greatest value. */
  readonly most: number;
}

/** Settings that a server lets its clients choose, each within a range. */
export interface AllowedSettings {
  /** Range of the local epochs, from 1. */
  readonly epochs?: SettingRange;
  /** Range of the batch size, from 0. */
  readonly batchSize?: SettingRange;
}

const NAMES = ["epochs", "batchSize"] as const;
const LEAST = { epochs: 1, batchSize: 0 };
const MAX_UINT32 = 0xFFFF_FFFF;

const range = (least: number) => v.object({ least: uint32(least), most: uint32(least) });

/** Check of a client's own settings that come from the wire. */
export const ownSettingsSchema = v.object({
  epochs: v.exactOptional(uint32(LEAST.epochs)),
  batchSize: v.exactOptional(uint32(LEAST.batchSize)),
});

/** Check of the allowed settings that come from the wire. */
export const allowedSettingsSchema = v.object({
  epochs: v.exactOptional(range(LEAST.epochs)),
  batchSize: v.exactOptional(range(LEAST.batchSize)),
});

/**
 * Checks the ranges that a server allows.
 *
 * @throws {RangeError} If a range is empty or out of bounds.
 */
export function checkAllowed(allowed: AllowedSettings, problem: string): void {
  for (const name of NAMES) {
    const { least, most } = allowed[name] ?? { least: LEAST[name], most: LEAST[name] };
    const isRange = isInRange(least, { whole: true, least: LEAST[name] }) &&
      isInRange(most, { whole: true, least, most: MAX_UINT32 });
    if (isRange) continue;
    throw new RangeError(
      `${problem}: expected a range of ${name} from ${LEAST[name]}, got ${least}..${most}`,
    );
  }
}

/**
 * Finds the first of a client's own settings that its server does not allow. A value equal to the
 * server's own is always allowed.
 *
 * @returns The difference in words, such as `"expected epochs from 1 to 5, got 7"`.
 */
export function refusedSetting(
  own: OwnSettings,
  allowed: AllowedSettings | undefined,
  plan: TrainSettings,
): string | undefined {
  for (const name of NAMES) {
    const value = own[name], allows = allowed?.[name];
    if (value === undefined || value === plan[name]) continue;
    if (allows === undefined) {
      return `expected ${name} of ${
        plan[name]
      }, because the server lets no client choose its own, got ${value}`;
    }
    const { least, most } = allows;
    if (isInRange(value, { whole: true, least, most })) continue;
    return `expected ${name} from ${least} to ${most}, which the server allows, got ${value}`;
  }
  return undefined;
}

/** Returns a plan with a client's own settings in place of its own. */
export function withOwn<Plan extends TrainSettings>(
  plan: Plan,
  { epochs = plan.epochs, batchSize = plan.batchSize }: OwnSettings = {},
): Plan {
  return { ...plan, epochs, batchSize };
}

/**
 * Computes the greatest number of steps on a number of samples that a plan and the settings allowed
 * beside it imply.
 */
export function mostSteps(
  { epochs, batchSize }: TrainSettings,
  allowed: AllowedSettings | undefined,
  numSamples: number,
): number {
  const rounds = Math.max(epochs, allowed?.epochs?.most ?? 0);
  const { least, most } = allowed?.batchSize ?? { least: batchSize, most: batchSize };
  // A batch of all samples makes one step; the smallest other batch makes the most.
  const sizes = [batchSize, least, ...(least === 0 && most > 0 ? [1] : [])].filter((x) => x > 0);
  const size = sizes.length === 0 ? numSamples : Math.min(...sizes);
  return rounds * Math.ceil(numSamples / size);
}

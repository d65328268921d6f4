import { SecureError } from "../../secure/errors.ts";
import { LANES, readLanes } from "../../secure/quantize.ts";
import type { SecureSum } from "../../secure/server/options.ts";
import type { SecureTerms } from "./terms.ts";

/** Relative error of the integers of a member, which are computed in float32. */
const ERROR = 2 ** -20;

/**
 * Checks that a sum can be one of its survivors: without all masks taken away its lanes and values
 * are integers of any size. Values of a private run are not looked at: an error would tell of a sum
 * without noise.
 *
 * @throws {RangeError} If it cannot.
 */
export function checkSum(
  { ring, settings }: Pick<SecureTerms, "ring" | "settings">,
  { sums, survivors }: Pick<SecureSum, "sums" | "survivors">,
): void {
  const { samples, clamped } = readLanes(ring, sums), members = survivors.length;
  const problem = `Cannot use the sum of ${members} members`;
  const mostClamped = Math.min(ring.laneLevels, sums.length - LANES) * members;
  if (samples < 1 || samples > ring.maxSamples * members || clamped > mostClamped) {
    throw new RangeError(
      `${problem}: expected 1 to ${
        ring.maxSamples * members
      } samples and up to ${mostClamped} clamped values, got ${samples} and ${clamped}`,
    );
  }
  if (settings.maxNorm !== undefined || settings.noise) return;
  // Each member has rounded up by one at most.
  const most = ring.levels * (samples / ring.maxSamples) * (1 + ERROR) + members;
  for (let i = 0; i < sums.length - LANES; i++) {
    if (Math.abs((sums[i] ?? 0) | 0) <= most) continue;
    throw new RangeError(
      `${problem}: value ${i} is larger than ${samples} samples with values up to the clip of ${ring.clip} give, so some masks are missing or a member does not clip`,
    );
  }
}

/**
 * Checks that there are enough masked updates, before anything is revealed of their sum.
 *
 * @throws {SecureError} "too-few-survivors", if there are not.
 */
export function checkQuorum(received: number, quorum: number): void {
  if (received >= quorum) return;
  throw new SecureError(
    "too-few-survivors",
    `Cannot go on: expected ${quorum} masked updates, got ${received}`,
  );
}

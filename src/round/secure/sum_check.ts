import { SecureError } from "../../secure/errors.ts";
import { LANES, readLanes } from "../../secure/quantize.ts";
import type { Ring } from "../../secure/ring.ts";
import type { SecureSum } from "../../secure/server/options.ts";

/**
 * Checks that the lanes of a sum are those of its survivors: without all masks taken away they are
 * integers of any size.
 *
 * @throws {RangeError} If they are not.
 */
export function checkSum(
  ring: Ring,
  { sums, survivors }: Pick<SecureSum, "sums" | "survivors">,
): void {
  const { samples, clamped } = readLanes(ring, sums), members = survivors.length;
  const mostClamped = Math.min(ring.laneLevels, sums.length - LANES) * members;
  if (samples >= 1 && samples <= ring.maxSamples * members && clamped <= mostClamped) return;
  throw new RangeError(
    `Cannot use the sum of ${members} members: expected 1 to ${
      ring.maxSamples * members
    } samples and up to ${mostClamped} clamped values, got ${samples} and ${clamped}`,
  );
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

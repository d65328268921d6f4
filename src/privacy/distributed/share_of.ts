import type { SecureSettings } from "../../plan/secure_settings.ts";
import { ClippedShare, type MemberShare } from "./member_share.ts";
import { NoiseShare } from "./noise_share.ts";

/**
 * Returns the form of the updates in a private run: clipped, and with noise where the settings have
 * it; `undefined` where the run is not private.
 *
 * @throws {RangeError} If the settings do not fit each other.
 */
export function memberShareOf(settings: SecureSettings): MemberShare | undefined {
  const { noise, maxNorm, maxMembers } = settings;
  if (noise !== undefined && maxNorm !== undefined) {
    throw new RangeError("Cannot clip updates: expected maxNorm or noise, got both");
  }
  if (maxNorm !== undefined) return new ClippedShare(maxNorm, settings);
  return noise && new NoiseShare({ ...noise, maxMembers });
}

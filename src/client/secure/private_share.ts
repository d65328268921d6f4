import { errorMessage, ProtocolError } from "../../base/errors.ts";
import type { SecureSettings } from "../../plan/secure_settings.ts";
import type { MemberShare } from "../../privacy/distributed/member_share.ts";
import { memberShareOf } from "../../privacy/distributed/share_of.ts";
import { SecureError } from "../../secure/errors.ts";
import type { SecureMembersPayload } from "../../wire/messages.ts";

/**
 * Returns the form in which a client masks its updates in a private run, clipped and perhaps with
 * noise; `undefined` where the run is not private.
 *
 * @throws {ProtocolError} "invalid-field", if the settings have no room for it or another ring.
 */
export function privateShareOf(settings: SecureSettings | undefined): MemberShare | undefined {
  if (settings === undefined) return undefined;
  const { noise, clip, maxSamples, maxLoss, rounding } = settings;
  const wrong = (text: string, cause?: unknown) =>
    new ProtocolError("invalid-field", `Cannot join: ${text}`, { cause });
  if (noise !== undefined && noise.fewest > noise.threshold) {
    throw wrong(
      `expected noise of ${noise.threshold} members at most, the threshold, got ${noise.fewest}`,
    );
  }
  let share: MemberShare | undefined;
  try {
    share = memberShareOf(settings);
  } catch (cause) {
    throw wrong(errorMessage(cause), cause);
  }
  if (share === undefined || noise === undefined) return share;
  const { ring } = share;
  const isSame = ring.clip === clip && ring.maxLoss === maxLoss &&
    ring.maxSamples === maxSamples && ring.rounding === rounding;
  if (!isSame) {
    throw wrong(
      `expected a ring of the clip ${ring.clip} for the noise of the clients, got ${clip}`,
    );
  }
  return share;
}

/**
 * Checks that a sum has as many members as its noise is for.
 *
 * @throws {SecureError} "threshold-out-of-range".
 */
export function checkThreshold(
  { threshold }: Pick<SecureMembersPayload, "threshold">,
  settings: SecureSettings | undefined,
): void {
  const least = settings?.noise?.threshold ?? 0;
  if (threshold >= least) return;
  throw new SecureError(
    "threshold-out-of-range",
    `Cannot share the keys: expected a threshold of ${least} updates or more, for which the noise is, got ${threshold}`,
  );
}

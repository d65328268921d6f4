import { errorMessage, ProtocolError } from "../../base/errors.ts";
import type { SecureSettings } from "../../plan/secure_settings.ts";
import { NoiseShare } from "../../privacy/distributed/noise_share.ts";
import { SecureError } from "../../secure/errors.ts";
import type { SecureMembersPayload } from "../../wire/messages.ts";

/**
 * Returns the noise that a client adds to its updates; `undefined` where the run has none.
 *
 * @throws {ProtocolError} "invalid-field", if the settings have no room for it or another ring.
 */
export function noiseShareOf(settings: SecureSettings | undefined): NoiseShare | undefined {
  if (settings?.noise === undefined) return undefined;
  const { noise, clip, maxMembers, maxSamples, maxLoss, rounding } = settings;
  const wrong = (text: string, cause?: unknown) =>
    new ProtocolError("invalid-field", `Cannot join: ${text}`, { cause });
  if (noise.fewest > noise.threshold) {
    throw wrong(
      `expected noise of ${noise.threshold} members at most, the threshold, got ${noise.fewest}`,
    );
  }
  let share: NoiseShare;
  try {
    share = new NoiseShare({ ...noise, maxMembers });
  } catch (cause) {
    throw wrong(errorMessage(cause), cause);
  }
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

import { checkInRange } from "../base/check.ts";
import { ProtocolError } from "../base/errors.ts";
import { weakness } from "../plan/announced_privacy.ts";
import type { IdAssignmentPayload } from "../wire/messages.ts";
import type { ClientTopologyOptions } from "./options.ts";

/** Default of the largest δ. */
export const DEFAULT_MAX_DELTA = 1e-5;

/** Options by which a client requires differential privacy. */
type Required = Pick<ClientTopologyOptions, "privacyMaxEpsilon" | "privacyMaxDelta">;

/** Throws a `RangeError` for a largest ε or δ that is out of range, or a δ alone. */
export function checkRequiredPrivacy({ privacyMaxEpsilon, privacyMaxDelta }: Required): void {
  const problem = "Cannot make a client";
  if (privacyMaxDelta !== undefined) {
    const range = { above: 0, below: 1 };
    checkInRange(privacyMaxDelta, range, problem, "privacyMaxDelta above 0 and below 1");
    if (privacyMaxEpsilon === undefined) {
      throw new RangeError(`${problem}: expected privacyMaxEpsilon beside privacyMaxDelta`);
    }
  }
  if (privacyMaxEpsilon !== undefined) {
    checkInRange(privacyMaxEpsilon, { above: 0 }, problem, "a finite privacyMaxEpsilon above 0");
  }
}

/**
 * Checks that a server announces the privacy that the client requires, and that the settings have
 * the clip, and where the clients add it the noise.
 *
 * @throws {ProtocolError} "privacy-mismatch".
 */
export function checkPrivacy(
  { privacy, plan: { secure } }: Pick<IdAssignmentPayload, "privacy" | "plan">,
  { privacyMaxEpsilon: maxEpsilon, privacyMaxDelta: maxDelta = DEFAULT_MAX_DELTA }: Required,
): void {
  if (maxEpsilon === undefined) return;
  const reason = weakness(privacy, { maxEpsilon, maxDelta });
  if (reason !== undefined) throw new ProtocolError("privacy-mismatch", `Cannot join: ${reason}`);
  if (privacy?.mechanism === "distributed") {
    const { noise, clip } = secure?.noise ?? {};
    if (noise === privacy.noise && clip === privacy.clip) return;
    throw new ProtocolError(
      "privacy-mismatch",
      `Cannot join: expected the announced noise ${privacy.noise} and clip ${privacy.clip} in the settings of the clients, got ${noise} and ${clip}`,
    );
  }
  // The server cannot clip updates that it does not see.
  if (secure === undefined || secure.maxNorm === privacy?.clip) return;
  throw new ProtocolError(
    "privacy-mismatch",
    `Cannot join: expected the announced clip ${privacy?.clip} in the settings of secure aggregation, got ${secure.maxNorm}`,
  );
}

/**
 * Checks that a client may tell how parameters do on its data.
 *
 * @throws {ProtocolError} "privacy-mismatch", if it requires differential privacy, which such
 * figures do not have.
 */
export function checkToldEvaluation({ privacyMaxEpsilon }: Required): void {
  if (privacyMaxEpsilon === undefined) return;
  throw new ProtocolError(
    "privacy-mismatch",
    "Cannot evaluate: expected a server with differential privacy, got one that asks for figures of the data, which have no noise",
  );
}

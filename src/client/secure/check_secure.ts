import { ProtocolError } from "../../base/errors.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import type { ClientTopologyOptions } from "../options.ts";

/**
 * Checks that a run has the secure aggregation that a client wants, and the client what that needs.
 *
 * @throws {ProtocolError} "secure-mismatch" if not.
 */
export function checkSecure(
  { secure }: Pick<TrainSettings, "secure">,
  options: Pick<
    ClientTopologyOptions,
    "requireSecure" | "secureMinMembers" | "secureKeys" | "credential"
  >,
): void {
  const { requireSecure = false, secureMinMembers = 5, secureKeys, credential } = options;
  const refuse = (wanted: string, got: string) => {
    throw new ProtocolError("secure-mismatch", `Cannot join: expected ${wanted}, got ${got}`);
  };
  if (secure === undefined) {
    if (!requireSecure && secureKeys === undefined) return;
    return refuse("a server with secure aggregation", "one that wants single updates");
  }
  const { maxMembers, signed = false } = secure;
  if (maxMembers < secureMinMembers) {
    refuse(`secure aggregation of ${secureMinMembers} members or more`, `at most ${maxMembers}`);
  }
  if (secureKeys !== undefined && !signed) {
    refuse("secure aggregation whose members sign their keys", "one without signatures");
  }
  if (signed && credential?.kind !== "key") {
    refuse("a client with a key, by which members of this run sign", "a client without one");
  }
}

/**
 * Checks that a client may be asked for figures of its data.
 *
 * @throws {ProtocolError} "secure-mismatch" or "privacy-mismatch", if it requires secure
 * aggregation or differential privacy, which such figures do not have.
 */
export function checkUnasked(
  { requireSecure = false, privacyMaxEpsilon }: Pick<
    ClientTopologyOptions,
    "requireSecure" | "privacyMaxEpsilon"
  >,
): void {
  const got = "got one that asks for figures of the data";
  if (requireSecure) {
    throw new ProtocolError(
      "secure-mismatch",
      `Cannot join: expected a server with secure aggregation, ${got}`,
    );
  }
  if (privacyMaxEpsilon !== undefined) {
    throw new ProtocolError(
      "privacy-mismatch",
      `Cannot join: expected a server with differential privacy, ${got}`,
    );
  }
}

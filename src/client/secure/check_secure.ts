import { ProtocolError } from "../../base/errors.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import type { ClientTopologyOptions } from "../options.ts";

/**
 * Checks that a run has the secure aggregation that a client wants.
 *
 * @throws {ProtocolError} "secure-mismatch" if it has none, or of too few members.
 */
export function checkSecure(
  { secure }: Pick<TrainSettings, "secure">,
  { requireSecure = false, secureMinMembers = 5 }: Pick<
    ClientTopologyOptions,
    "requireSecure" | "secureMinMembers"
  >,
): void {
  if (requireSecure && secure === undefined) {
    throw new ProtocolError(
      "secure-mismatch",
      "Cannot join: expected a server with secure aggregation, got one that wants single updates",
    );
  }
  if (secure !== undefined && secure.maxMembers < secureMinMembers) {
    throw new ProtocolError(
      "secure-mismatch",
      `Cannot join: expected secure aggregation of ${secureMinMembers} members or more, got at most ${secure.maxMembers}`,
    );
  }
}

import type { Gatekeeper } from "../../auth/challenge.ts";
import type { SyncServerBackendHandler } from "../../round/handler/sync_server_backend_handler.ts";

/**
 * Checks that no key has several ranks where members sign: its holder would be several members.
 *
 * @throws {RangeError} If a key may have more than one.
 */
export function checkOwners(
  { secure }: Pick<SyncServerBackendHandler, "secure">,
  gatekeeper: Gatekeeper | undefined,
): void {
  if (!secure?.isSigned || gatekeeper?.kind !== "keys") return;
  const { seatsPerKey = 1 } = gatekeeper;
  if (seatsPerKey <= 1) return;
  throw new RangeError(
    `Cannot make a server: expected one rank for each key where members sign, got seatsPerKey ${seatsPerKey}`,
  );
}

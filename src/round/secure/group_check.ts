import type { SyncServerBackendHandler } from "../handler/sync_server_backend_handler.ts";

/**
 * Checks that the rounds of a group have as many members as secure aggregation needs, and no more
 * than its sums have room for.
 *
 * @param numClients Number of clients in the group.
 * @param problem The beginning of the error's message.
 * @throws {RangeError} If they have not.
 */
export function checkSecureGroup(
  handler: SyncServerBackendHandler,
  numClients: number,
  problem: string,
): void {
  const { secure } = handler;
  if (secure === undefined) return;
  const { minMembers, ring: { maxMembers } } = secure, wanted = handler.updatesWanted(numClients);
  const members = Math.min(wanted, numClients);
  if (members >= minMembers && members <= maxMembers) return;
  throw new RangeError(
    `${problem}: expected rounds of ${minMembers} to ${maxMembers} clients for secure aggregation (minMembers, maxMembers), got ${members} of ${numClients}`,
  );
}

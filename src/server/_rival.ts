import { pause } from "../_pause.ts";
import { ConnectionClosedError, ProtocolError } from "../errors.ts";
import type { Member } from "./_member.ts";
import type { Claim, Seats } from "./_seats.ts";

/** Heartbeats without a sign of life after which a key's earlier connection gives way: a live peer sends something within two. */
const HEARTBEATS = 3;
/** Looks at the earlier connection in a heartbeat. */
const LOOKS = 10;
const LONGEST_LOOK_MILLIS = 500;

/**
 * Waits, where the client would take the place of another connection by its key alone, until nothing has been heard of that one for three heartbeats. A
 * process that was started anew so gets its seat back before the server has noticed the end of the one before.
 *
 * Throws a `ProtocolError` "rank-taken" when something is heard: two live processes with one key must not throw each other out for ever, so the one that was
 * there first stays.
 */
export async function outliveRival(
  member: Member,
  seats: Seats<Member>,
  claim: Claim,
  heartbeatSeconds: number,
): Promise<void> {
  let silent: Member | undefined;
  for (;;) {
    const rival = seats.rival(claim);
    if (rival === undefined || rival === silent) return;
    if (!await fallsSilent(rival, member, heartbeatSeconds * 1000)) {
      throw new ProtocolError(
        "rank-taken",
        `Cannot join: another process with this key has rank ${rival.rank}, and is alive; end it first, or take another key`,
      );
    }
    silent = rival;
  }
}

async function fallsSilent(rival: Member, member: Member, beatMillis: number): Promise<boolean> {
  const { connection } = rival;
  const heard = connection.bytesReceived;
  const began = performance.now();
  while (member.connection.isOpen && !member.isOver) {
    if (!connection.isOpen || connection.silentMillis >= HEARTBEATS * beatMillis) return true;
    if (connection.bytesReceived !== heard) return false;
    // The server does not read what the other says: it waits for its turn, and may well be alive.
    if (performance.now() - began > (HEARTBEATS + 1) * beatMillis) return false;
    await pause(Math.min(beatMillis / LOOKS, LONGEST_LOOK_MILLIS));
  }
  throw new ConnectionClosedError("its connection ended while it waited for its seat");
}

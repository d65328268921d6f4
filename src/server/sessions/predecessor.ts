import { delay } from "../../base/time/delay.ts";
import { ConnectionClosedError, ProtocolError } from "../../base/errors.ts";
import { SILENT_HEARTBEATS } from "../../net/timeouts.ts";
import type { Member } from "./registration.ts";
import type { Claim, RankRegistry } from "./rank_registry.ts";

/**
 * Heartbeats after which a silent connection has been given up in any case: that is looked for once
 * in each.
 */
const PATIENCE_HEARTBEATS = SILENT_HEARTBEATS + 2;
/** Looks at the earlier connection in a heartbeat. */
const LOOKS = 10;
const LONGEST_LOOK_MILLIS = 500;

/**
 * Waits, where the client would take the place of another connection by its key alone, until that
 * one has ended or was given up for its silence. So a process that is started anew gets its seat
 * back, also where the server has not noticed yet that the one before is gone.
 *
 * Throws a `ProtocolError` "rank-taken" as soon as the other is heard: two live processes with one
 * key must not throw each other out for ever, so the one that was there first stays.
 */
export async function awaitPredecessor(
  member: Member,
  registry: RankRegistry<Member>,
  claim: Claim,
  heartbeatSeconds: number,
): Promise<void> {
  const beatMillis = heartbeatSeconds * 1000;
  let ended: Member | undefined;
  for (;;) {
    const predecessor = registry.predecessor(claim);
    // Its session may not have noticed yet.
    if (predecessor === undefined || predecessor === ended) return;
    if (!await ends(predecessor, member, beatMillis)) {
      throw new ProtocolError(
        "rank-taken",
        `Cannot join: another process with this key has rank ${predecessor.rank}, and is alive; end it first, or take another key`,
      );
    }
    ended = predecessor;
  }
}

/** Whether the predecessor ends before anything is heard of it. */
async function ends(predecessor: Member, member: Member, beatMillis: number): Promise<boolean> {
  const { connection } = predecessor;
  const heard = connection.bytesReceived;
  const began = performance.now();
  while (connection.isOpen) {
    if (!member.connection.isOpen || member.isOver) {
      throw new ConnectionClosedError("its connection ended while it waited for its seat");
    }
    if (connection.bytesReceived !== heard) return false;
    // While the server does not read what the other says, silence tells nothing.
    if (performance.now() - began > PATIENCE_HEARTBEATS * beatMillis) return false;
    await delay(Math.min(beatMillis / LOOKS, LONGEST_LOOK_MILLIS));
  }
  return true;
}

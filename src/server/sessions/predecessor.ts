import { runtime } from "../../base/runtime/runtime.ts";
import { delay } from "../../base/time/delay.ts";
import { ConnectionClosedError, ProtocolError } from "../../base/errors.ts";
import { SILENT_HEARTBEATS } from "../../net/timeouts.ts";
import type { Claim } from "./rank_choice.ts";
import type { RankRegistry } from "./rank_registry.ts";
import type { Session } from "./session.ts";

/** Heartbeats after which a silent connection was given up in any case. */
const PATIENCE_HEARTBEATS = SILENT_HEARTBEATS + 2;
/** Heartbeats that a check is late by if this process was suspended. */
const HELD_UP_HEARTBEATS = 1;
/** Checks of the earlier connection per heartbeat. */
const CHECKS = 10;
const LONGEST_CHECK_MILLIS = 500;

/**
 * Waits until the session that the client would replace by its key alone has ended, or was given up
 * for its silence. So a process that is restarted gets its rank back, even if the server has not
 * noticed yet that its predecessor is gone.
 *
 * @throws {ProtocolError} "rank-taken" as soon as the predecessor is heard: two live processes with
 * one key must not replace each other for ever, so the first one stays.
 */
export async function awaitPredecessor(
  session: Session,
  registry: RankRegistry<Session>,
  claim: Claim,
  heartbeatSeconds: number,
): Promise<void> {
  const beatMillis = heartbeatSeconds * 1000;
  let ended: Session | undefined;
  for (;;) {
    const predecessor = registry.predecessor(claim);
    // The session of an ended connection may still be registered.
    if (predecessor === undefined || predecessor === ended) return;
    if (!await ends(predecessor, session, beatMillis)) {
      throw new ProtocolError(
        "rank-taken",
        `Cannot join: another process with this key has rank ${predecessor.rank}, and is alive; end it first, or take another key`,
      );
    }
    ended = predecessor;
  }
}

/** Reports whether the predecessor ends before anything is heard of it. */
async function ends(predecessor: Session, session: Session, beatMillis: number): Promise<boolean> {
  const { connection } = predecessor;
  const received = connection.bytesReceived;
  let began = runtime.clock.now();
  while (connection.isOpen) {
    if (!session.connection.isOpen || session.isOver) {
      throw new ConnectionClosedError("its connection ended while it waited for its seat");
    }
    if (connection.bytesReceived !== received) return false;
    // While the server does not read from the predecessor, its silence means nothing.
    if (runtime.clock.now() - began > PATIENCE_HEARTBEATS * beatMillis) return false;
    const before = runtime.clock.now();
    await delay(Math.min(beatMillis / CHECKS, LONGEST_CHECK_MILLIS));
    // The predecessor's heartbeats count from now on, too.
    const now = runtime.clock.now();
    if (now - before > HELD_UP_HEARTBEATS * beatMillis) began = now;
  }
  return true;
}

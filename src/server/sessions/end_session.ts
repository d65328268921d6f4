import { ConnectionClosedError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import { Connection } from "../../net/connection.ts";
import type { Channel } from "../../net/transport.ts";
import { shortReason } from "../../round/report/absence.ts";
import type { PeerAdmission } from "./peer_admission.ts";
import type { RankRegistry } from "./rank_registry.ts";
import type { Session } from "./session.ts";
import { isDisconnection, isFault } from "./session_end.ts";
import type { SessionListener } from "./session_listener.ts";

/**
 * Ends the channel of a peer whose first bytes have not come.
 *
 * @returns The reason to log; `undefined` when many are evicted.
 */
export async function turnAway(
  channel: Channel,
  admission: PeerAdmission,
  error: unknown,
): Promise<unknown> {
  const { evicted, isRepeated } = admission;
  if (evicted === undefined && isFault(error)) await new Connection(channel).refuse(error);
  channel.close();
  admission.release();
  if (isRepeated) return undefined;
  return evicted === undefined ? error : new ConnectionClosedError(evicted);
}

/**
 * Returns the reason for which a session ends after an error, and tells the client if it broke the
 * protocol.
 */
export async function failureOf(session: Session, error: unknown): Promise<unknown> {
  // A client whose session was ended has been told already.
  if (session.ended !== undefined) return session.ended;
  if (isFault(error)) await session.connection.refuse(error);
  return error;
}

/**
 * Ends the session of a rank. The client is expected back for some seconds if its connection was
 * lost, unless it has never been ready. Its rank is free if it has left or broke the protocol.
 */
export function endSession(
  { rank, session, failure, hasJoined }: {
    rank: Rank;
    session: Session;
    failure: unknown;
    hasJoined: boolean;
  },
  { registry, listener, seconds }: {
    registry: RankRegistry<Session>;
    listener: SessionListener;
    seconds: number;
  },
): void {
  const reason = shortReason(failure);
  const onLeave = () => listener.left(rank, reason);
  if (hasJoined && !isDisconnection(failure)) {
    if (registry.leave(rank, session)) onLeave();
    return;
  }
  const isKept = hasJoined
    ? registry.disconnect(rank, session, seconds, onLeave)
    : registry.cancel(rank, session, seconds, onLeave);
  if (isKept) listener.disconnected(rank, reason);
}

import {
  ConnectionClosedError,
  DeadlineError,
  errorMessage,
  type ProtocolError,
  RunStoppedError,
} from "../../base/errors.ts";
import type { Logger } from "../../base/log/log.ts";
import type { PeerLog } from "../../base/log/peer_log.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { delay } from "../../base/time/delay.ts";
import type { Connection } from "../../net/connection.ts";
import { SILENT_HEARTBEATS } from "../../net/timeouts.ts";
import { backoffMillis, connect, FULL_RETRY_MILLIS, type ServerAddress } from "./connect.ts";
import { type ResumeToken, RunOverError } from "./join.ts";
import { announceLeave, isConnectionLoss, isRankTaken, isServerFull } from "./leave.ts";
import type { Session } from "./session.ts";

/**
 * Heartbeats for which a client asks again for a rank that is taken: longer than a server takes to
 * give up a silent connection.
 */
const RANK_HEARTBEATS = SILENT_HEARTBEATS + 2;

/** Client that keeps a session with its server. */
export interface SessionClient {
  readonly server: ServerAddress;
  readonly logger: Logger;
  /** Log of the lines whose number the server decides. */
  readonly peers: PeerLog;
  readonly signal: AbortSignal | undefined;
  /** The client has a key: a server that refuses it a rank knows that the key's rank is in use. */
  readonly hasKey: boolean;
  /** Joins the group over a connection, for the first time or again. */
  join(
    connection: Connection,
    resume: ResumeToken | undefined,
    deadline: number,
  ): Promise<Session>;
  /**
   * Follows the server until the run is over.
   *
   * @returns Whether another run begins at the same address.
   */
  follow(session: Session): Promise<boolean>;
}

/**
 * Connects to the server, joins the group and follows it until the run is over. Reconnects when the
 * connection is lost, for as long as the join time-out. A client without a key asks again for a
 * rank that is taken, for as long as the server may not know that its earlier connection is lost.
 *
 * @throws {DeadlineError} If no server lets the client in before the join time-out.
 * @throws The errors of `join` and `follow` that are no loss of the connection.
 */
export async function followWithReconnects(client: SessionClient): Promise<void> {
  const { server, server: { timeouts }, logger, peers, signal } = client;
  const patienceMillis = timeouts.joinSeconds * 1000;
  let resume: ResumeToken | undefined;
  let deadline = runtime.clock.now() + patienceMillis;
  /** Refusal of a server that may let the client in later. */
  let refusal: ProtocolError | undefined;
  /** Time until which a rank that is taken is asked for again. */
  let rankDeadline: number | undefined;
  for (let losses = 0;; losses++) {
    let connection: Connection;
    try {
      connection = await connect(server, logger, signal, deadline);
    } catch (error) {
      throw error instanceof DeadlineError ? refusal ?? error : error;
    }
    let session: Session | undefined;
    try {
      session = await client.join(connection, resume, deadline);
      refusal = rankDeadline = undefined;
      const { run, token } = session.assignment;
      resume = { run, token };
      const hasNext = await client.follow(session);
      if (!hasNext) return;
      // The next run knows nothing of this one.
      resume = undefined;
      losses = 0;
      deadline = runtime.clock.now() + patienceMillis;
    } catch (error) {
      // The run ended while the client was away.
      if (error instanceof RunOverError && resume !== undefined) return;
      if (error instanceof RunStoppedError) throw error;
      const hasJoined = resume !== undefined;
      // A server that lets clients in and cuts them off again does not count as found.
      if (session?.isUseful) losses = 0;
      if (hasJoined && losses === 0) deadline = runtime.clock.now() + patienceMillis;
      const isTaken = !client.hasKey && isRankTaken(error);
      if (isTaken) {
        rankDeadline ??= runtime.clock.now() + timeouts.heartbeatSeconds * 1000 * RANK_HEARTBEATS;
      }
      const isLoss = isConnectionLoss(error) ||
        (isTaken && runtime.clock.now() < (rankDeadline ?? 0));
      // A server that is full may also let the time pass without an answer.
      const cause = error instanceof DeadlineError ? refusal ?? error : error;
      refusal = isServerFull(error) || isTaken ? error : undefined;
      if (isLoss) connection.abort(new ConnectionClosedError(errorMessage(error)));
      if (!isLoss || runtime.clock.now() >= deadline) {
        await announceLeave(connection, error, { signal, seconds: timeouts.drainSeconds });
        throw cause;
      }
      peers.warn(
        "the server",
        `${errorMessage(error)}; ${hasJoined ? "coming back" : "trying again"}`,
      );
    } finally {
      await connection.close(timeouts.drainSeconds);
      session?.end();
    }
    const most = isServerFull(refusal) ? FULL_RETRY_MILLIS : undefined;
    await delay(backoffMillis(losses, most), signal);
  }
}

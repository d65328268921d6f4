import {
  ConnectionClosedError,
  DeadlineError,
  errorMessage,
  ProtocolError,
} from "../../base/errors.ts";
import { shortened } from "../../base/printable.ts";
import { withDeadline } from "../../base/time/with_deadline.ts";
import type { Connection } from "../../net/connection.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { Message } from "../../wire/messages.ts";
import { MOST_REASON_LENGTH } from "../../wire/messages/exit.ts";

/** The server is reachable, but its run makes no progress: the client leaves for good. */
export class StalledError extends DeadlineError {}

/** Returns `true` for the loss of a connection, after which a client reconnects. */
export function isConnectionLoss(error: unknown): boolean {
  if (error instanceof StalledError) return false;
  return error instanceof ConnectionClosedError || error instanceof DeadlineError ||
    (error instanceof ProtocolError && error.fault === "truncated-frame") || isServerFull(error);
}

/**
 * Returns `true` for the refusal of a rank that another connection has: perhaps the client's own
 * earlier one, which its server, or a proxy between them, has not given up yet.
 */
export function isRankTaken(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && error.fault === "rank-taken";
}

/** Returns `true` for the refusal of a server that has too many connections. */
export function isServerFull(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && error.fault === "too-many-connections";
}

/**
 * Tells the server why this client leaves, unless the connection is lost. Never rejects.
 *
 * @param seconds Time-out of the message.
 */
export async function announceLeave(
  connection: Connection,
  error: unknown,
  { signal, seconds }: { signal: AbortSignal | undefined; seconds: number },
): Promise<void> {
  if (isConnectionLoss(error)) return;
  const message = shortened(errorMessage(error), MOST_REASON_LENGTH);
  const farewell: Message = signal?.aborted
    ? {
      code: MessageCode.Exit,
      payload: { reason: shortened(`the client was stopped: ${message}`, MOST_REASON_LENGTH) },
    }
    : error instanceof StalledError
    ? { code: MessageCode.Exit, payload: { reason: message } }
    : {
      code: MessageCode.Error,
      payload: {
        fault: error instanceof ProtocolError ? error.fault : "handler-failed",
        message,
        fatal: true,
      },
    };
  try {
    await withDeadline(connection.send(farewell), { seconds, late: () => new Error("late") });
  } catch { /* The server is gone as well. */ }
}

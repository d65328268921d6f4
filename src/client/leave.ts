import { shortened } from "../base/printable.ts";
import {
  ConnectionClosedError,
  DeadlineError,
  errorMessage,
  ProtocolError,
} from "../base/errors.ts";
import type { Connection } from "../net/connection.ts";
import { withDeadline } from "../base/time/with_deadline.ts";
import { MOST_REASON_LENGTH } from "../wire/messages/exit.ts";
import { MessageCode } from "../wire/message_code.ts";
import type { Message } from "../wire/messages.ts";

/** The server is there, but its run does not get on: the client leaves for good. */
export class StalledError extends DeadlineError {}

/** Whether an error tells of a lost connection, after which a client comes back. */
export function isLoss(error: unknown): boolean {
  if (error instanceof StalledError) return false;
  return error instanceof ConnectionClosedError || error instanceof DeadlineError ||
    (error instanceof ProtocolError && error.fault === "truncated-frame");
}

/** Tells the server why this client goes, so that it need not find out; waits so many seconds for that at most. Never rejects. */
export async function takeLeave(
  connection: Connection,
  error: unknown,
  { signal, seconds }: { signal: AbortSignal | undefined; seconds: number },
): Promise<void> {
  if (isLoss(error)) return;
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
  } catch { /* the server is gone as well */ }
}

import { ConnectionClosedError, DeadlineError, ProtocolError } from "../../base/errors.ts";

/** Client said `Exit`, or a fatal `Error`: it is not expected back. */
export class ClientLeftError extends Error {}

/** Reports whether a peer has broken the protocol. A truncated frame is a lost connection. */
export function isFault(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && error.fault !== "truncated-frame";
}

/** Reports whether a session has ended because its connection was lost. */
export function isDisconnection(error: unknown): boolean {
  return error instanceof ConnectionClosedError || error instanceof DeadlineError ||
    (error instanceof ProtocolError && !isFault(error));
}

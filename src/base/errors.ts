/**
 * Errors that a caller may want to catch apart from the built-in `TypeError`, `RangeError` and
 * `SyntaxError`.
 *
 * @module
 */

import { printable } from "./printable.ts";

/** Reason for which a peer's message was refused. Its name is sent in an `Error` message. */
export type ProtocolFault =
  | "bad-message"
  | "bad-magic"
  | "unsupported-version"
  | "unknown-code"
  | "unexpected-code"
  | "frame-too-large"
  | "truncated-frame"
  | "malformed-body"
  | "invalid-field"
  | "shape-mismatch"
  | "manifest-mismatch"
  | "schema-mismatch"
  | "rank-taken"
  | "rank-out-of-range"
  | "world-size-mismatch"
  | "mode-mismatch"
  | "secure-mismatch"
  | "privacy-mismatch"
  | "group-full"
  | "wrong-codec"
  | "wrong-round"
  | "not-in-cohort"
  | "duplicate-update"
  | "non-finite"
  | "out-of-bounds"
  | "cannot-train"
  | "too-many-faults"
  | "too-many-connections"
  | "handler-failed"
  | "not-authorized";

/**
 * Error of a peer that broke the protocol, or that reports that this side did. {@linkcode
 * ProtocolError.fault} names the rule.
 */
export class ProtocolError extends Error {
  /** Rule that was broken. */
  readonly fault: ProtocolFault;

  /** Creates an error; the message says what was expected and what arrived. */
  constructor(fault: ProtocolFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ProtocolError";
    this.fault = fault;
  }
}

/** Faults of a single message, after which the client may go on. */
const RECOVERABLE_FAULTS: ReadonlySet<ProtocolFault> = new Set([
  "wrong-round",
  "not-in-cohort",
  "duplicate-update",
  "non-finite",
  "out-of-bounds",
]);

/** Returns `true` for an error after which the client whose message caused it may go on. */
export function isRecoverable({ fault }: ProtocolError): boolean {
  return RECOVERABLE_FAULTS.has(fault);
}

/** Error of a connection that the peer or the network has ended. */
export class ConnectionClosedError extends Error {
  /** Creates an error whose message names the peer, with the reason as `cause`. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ConnectionClosedError";
  }
}

/** Error of a deadline that has passed: a group that did not fill, a silent peer. */
export class DeadlineError extends Error {
  /** Creates an error whose message says what was awaited, for how long, and what is missing. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DeadlineError";
  }
}

/**
 * Error of a run that the server has stopped by an error before its end. It may be resumed: a
 * client that is started again takes part.
 */
export class RunStoppedError extends Error {
  /** Creates an error whose message has the server's reason. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RunStoppedError";
  }
}

/**
 * Error of a run that another process has continued: it has saved a checkpoint since this process
 * read one.
 */
export class OvertakenError extends Error {
  /** Creates an error whose message says which checkpoint could not be saved. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "OvertakenError";
  }
}

/** Most characters of an error that are repeated, the limit of a message of the protocol. */
const MOST_CHARACTERS = 4096;

/**
 * Returns the message of anything that was thrown, on one line, with invisible characters by their
 * codes.
 *
 * A message over 4096 characters is cut: it may quote a peer, or a file.
 */
export function errorMessage(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  const [start, end] = [text.slice(0, MOST_CHARACTERS), text.length > MOST_CHARACTERS ? "…" : ""];
  return printable(start.replaceAll(/\s*\n\s*/g, " ").trim()) + end;
}

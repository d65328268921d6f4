/**
 * Named errors: what a caller may want to catch apart from the built-in `TypeError`, `RangeError` and `SyntaxError`.
 *
 * @module
 */

import { printable } from "./printable.ts";

/** Why a peer's message was refused. Each name goes on the wire in an `Error` message. */
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
  | "rank-taken"
  | "rank-out-of-range"
  | "world-size-mismatch"
  | "mode-mismatch"
  | "group-full"
  | "wrong-round"
  | "not-in-cohort"
  | "duplicate-update"
  | "non-finite"
  | "out-of-bounds"
  | "cannot-train"
  | "too-many-faults"
  | "handler-failed"
  | "not-authorized";

/** A peer broke the protocol, or said that we did: {@linkcode ProtocolError.fault} names the rule. */
export class ProtocolError extends Error {
  /** The rule that was broken. */
  readonly fault: ProtocolFault;

  /** Makes an error of the given fault; the message says what was expected and what came. */
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

/** The peer, or the network between, ended the connection. */
export class ConnectionClosedError extends Error {
  /** Makes an error whose message names the peer and, as `cause`, the reason. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ConnectionClosedError";
  }
}

/** Something that had to happen by a deadline did not: a group that did not fill, a peer that fell silent. */
export class DeadlineError extends Error {
  /** Makes an error whose message says what was waited for, how long, and what is missing. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DeadlineError";
  }
}

/** A server told its clients that the run stopped by an error before its end. It may be resumed: a client that is started again takes part. */
export class RunStoppedError extends Error {
  /** Makes an error whose message has the server's reason. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RunStoppedError";
  }
}

/** Another process has saved a checkpoint of the run since this one has read it: the run is that one's. */
export class OvertakenError extends Error {
  /** Makes an error whose message says which checkpoint could not be saved. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "OvertakenError";
  }
}

/** Most characters of an error that are repeated: as many as a message of the protocol carries. */
const MOST_CHARACTERS = 4096;

/**
 * The message of anything that was thrown, on one line, with characters that are not seen by their codes. What is longer than 4096 characters is cut: it may quote
 * a peer, or a file.
 */
export function errorMessage(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  const [start, end] = [text.slice(0, MOST_CHARACTERS), text.length > MOST_CHARACTERS ? "…" : ""];
  return printable(start.replaceAll(/\s*\n\s*/g, " ").trim()) + end;
}

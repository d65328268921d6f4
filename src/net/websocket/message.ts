import { ProtocolError } from "../../base/errors.ts";

/** Subprotocol of the WebSocket, which tells it from those of other applications. */
export const SUBPROTOCOL = "fedlab.v1";
/**
 * Subprotocol of a server that answers the head of a frame which arrives without its payload at
 * once, by a pong.
 */
export const PROMPT_SUBPROTOCOL = "fedlab.v1.prompt";
/** Bytes of a message before its data: the grant, a little-endian u32. */
export const HEAD_BYTES = 4;
/**
 * Most bytes of data in one message. For 100 MB over loopback this is as fast as 64 KiB, and faster
 * than 1 MiB and more.
 */
export const MESSAGE_BYTES = 256 * 1024;
/** Bytes that fill a segment even of the loopback interface, and are sent at once. */
export const SEGMENT_BYTES = 64 * 1024;
/** Credit of each side before it was granted any: a silent peer costs no more than this. */
export const FIRST_CREDIT = 64 * 1024;
/** Most credit that a side may hold, and so the most that waits unread at the other. */
export const MOST_CREDIT = 4 * 1024 * 1024;
/** Least cost of a message with data: a message of one byte takes up memory too. */
export const LEAST_COST = 1024;

/** Statuses with which a WebSocket is closed (RFC 6455, section 7.4.1). */
export const CloseCode = {
  Normal: 1000,
  ProtocolError: 1002,
  UnsupportedData: 1003,
  MessageTooBig: 1009,
} as const;

/** Status with which a WebSocket is closed. */
export type CloseCode = typeof CloseCode[keyof typeof CloseCode];

/** Error of a message that breaks the transport's rules, a `ProtocolError` for callers. */
export class BadMessageError extends ProtocolError {
  /** Status to close with. */
  readonly closeCode: CloseCode;

  /** Creates an error that says what was expected and what arrived. */
  constructor(expected: string, got: string, closeCode: CloseCode = CloseCode.ProtocolError) {
    super("bad-message", `Cannot read the WebSocket message: expected ${expected}, got ${got}`);
    this.closeCode = closeCode;
  }
}

/**
 * Checks the length of a message.
 *
 * @throws {ProtocolError} "bad-message" If it is too long so far, or complete and too short.
 */
export function checkLength(bytes: number, isWhole: boolean): void {
  const isTooLong = bytes > HEAD_BYTES + MESSAGE_BYTES;
  if (!isTooLong && (!isWhole || bytes >= HEAD_BYTES)) return;
  throw new BadMessageError(
    `${HEAD_BYTES} to ${HEAD_BYTES + MESSAGE_BYTES} bytes`,
    String(bytes),
    isTooLong ? CloseCode.MessageTooBig : CloseCode.ProtocolError,
  );
}

/** Creates the error of a text message. */
export function textMessage(): BadMessageError {
  return new BadMessageError("binary data", "text", CloseCode.UnsupportedData);
}

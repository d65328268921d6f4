import { ProtocolError } from "../../base/errors.ts";

/** Which protocol is spoken over the WebSocket, so that no other application is taken for it. */
export const SUBPROTOCOL = "fedlab.v1";
/** Bytes of a message before its data: what it grants, a little-endian u32. */
export const HEAD_BYTES = 4;
/**
 * Most bytes of data in one message: with 100 MB over loopback as fast as 64 KiB, and faster than 1
 * MiB and more.
 */
export const MESSAGE_BYTES = 256 * 1024;
/**
 * What each side may send before it was granted anything: a peer that has said nothing costs no
 * more than this.
 */
export const FIRST_CREDIT = 64 * 1024;
/** Most credit that a side may hold, and so the most that waits unread at the other. */
export const MOST_CREDIT = 4 * 1024 * 1024;
/** What a message of data costs at least: a message of one byte takes up memory too. */
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

/** A message breaks the transport's rules; for a caller it is a `ProtocolError` like any other. */
export class BadMessageError extends ProtocolError {
  /** The status to close with. */
  readonly closeCode: CloseCode;

  /** Makes an error of what was expected and what came. */
  constructor(expected: string, got: string, closeCode: CloseCode = CloseCode.ProtocolError) {
    super("bad-message", `Cannot read the WebSocket message: expected ${expected}, got ${got}`);
    this.closeCode = closeCode;
  }
}

/**
 * Throws a `ProtocolError` "bad-message" for a message that is too long so far, or too short
 * although it is whole.
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

/** The error of a message that is a text. */
export function textMessage(): BadMessageError {
  return new BadMessageError("binary data", "text", CloseCode.UnsupportedData);
}

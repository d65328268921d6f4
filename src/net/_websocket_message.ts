import { ProtocolError } from "../errors.ts";

/** Bytes of a message before its data: what it grants, a little-endian u32. */
export const HEAD_BYTES = 4;
/** Most bytes of data in one message: with 100 MB over loopback as fast as 64 KiB, and faster than 1 MiB and more. */
export const MESSAGE_BYTES = 256 * 1024;
/** What each side may send before it was granted anything: a peer that has said nothing costs no more than this. */
export const FIRST_CREDIT = 64 * 1024;
/** Most credit that a side may hold, and so the most that waits unread at the other. */
export const MOST_CREDIT = 4 * 1024 * 1024;
/** What a message of data costs at least: a message of one byte takes up memory too. */
export const LEAST_COST = 1024;

/** The error of a message that breaks the transport's rules. */
export function badMessage(expected: string, got: string): ProtocolError {
  return new ProtocolError(
    "bad-message",
    `Cannot read the WebSocket message: expected ${expected}, got ${got}`,
  );
}

/** The bytes of a message. Throws a `ProtocolError` "bad-message" for a text, and for a message that is too short or too long. */
export function checkMessage(data: unknown): Uint8Array<ArrayBuffer> {
  if (!(data instanceof ArrayBuffer)) throw badMessage("binary data", "text");
  if (data.byteLength < HEAD_BYTES || data.byteLength > HEAD_BYTES + MESSAGE_BYTES) {
    const range = `${HEAD_BYTES} to ${HEAD_BYTES + MESSAGE_BYTES} bytes`;
    throw badMessage(range, String(data.byteLength));
  }
  return new Uint8Array(data);
}

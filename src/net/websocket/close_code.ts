import { BadMessageError } from "./message.ts";

/**
 * Reads the status from a frame that closes a WebSocket.
 *
 * @returns The status; `undefined` when the frame has none.
 * @throws {ProtocolError} If it is not a status that a peer may send.
 */
export function parseCloseCode(payload: Uint8Array<ArrayBuffer>): number | undefined {
  const { length } = payload;
  if (length === 0) return undefined;
  const code = length === 1 ? 0 : new DataView(payload.buffer).getUint16(0);
  if (!isCloseCode(code)) {
    throw new BadMessageError("a status that a WebSocket may be closed with", String(code));
  }
  return code;
}

/** Returns true for a status that a peer may send (RFC 6455, section 7.4.2, and its registry). */
function isCloseCode(code: number): boolean {
  return code >= 3000 && code < 5000 || code >= 1000 && code <= 1014 && code !== 1004 &&
      code !== 1005 && code !== 1006;
}

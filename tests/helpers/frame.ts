import { concat } from "../../src/base/bytes.ts";
import { encodeFrame, type Message, PREFIX_BYTES } from "../../src/wire/mod.ts";

/** Encodes a message as one piece. */
export function frameOf(message: Message): Uint8Array<ArrayBuffer> {
  return concat(encodeFrame(message));
}

/** Encodes the body of a message in memory of its own. */
export function bodyOf(message: Message): Uint8Array<ArrayBuffer> {
  return frameOf(message).slice(PREFIX_BYTES);
}

import { decodeBody, decodePrefix, PREFIX_BYTES } from "../../src/wire/frame.ts";
import type { Message } from "../../src/wire/messages.ts";

/** Reads the messages of a stream of frames, piece by piece. */
export class FrameReader {
  #rest = new Uint8Array();

  /** Takes a piece, and gives the messages that are whole now. */
  take(piece: Uint8Array): Message[] {
    const bytes = new Uint8Array(this.#rest.length + piece.length);
    bytes.set(this.#rest);
    bytes.set(piece, this.#rest.length);
    const messages: Message[] = [];
    let at = 0;
    while (at + PREFIX_BYTES <= bytes.length) {
      const { code, bodyLength } = decodePrefix(bytes.subarray(at, at + PREFIX_BYTES));
      const start = at + PREFIX_BYTES;
      if (start + bodyLength > bytes.length) break;
      messages.push(decodeBody(code, bytes.slice(start, start + bodyLength)));
      at = start + bodyLength;
    }
    this.#rest = bytes.slice(at);
    return messages;
  }
}

import { concat } from "../base/bytes.ts";
import { decodeBody, decodePrefix, PREFIX_BYTES } from "./frame.ts";
import type { MessageCode } from "./message_code.ts";
import type { Message } from "./messages.ts";

/** Frame that is whole, and not decoded yet. */
export interface WholeFrame {
  /** Code of its message. */
  readonly code: MessageCode;
  /** Number of bytes, with the prefix. */
  readonly bytes: number;
  /** Decodes its message. Throws the errors of `decodeBody`. */
  decode(): Message;
}

/** Reader of the frames in a stream of bytes that comes in pieces, for observers. */
export class FrameReader {
  #rest = new Uint8Array();

  /** Number of bytes of a frame that is not whole yet. */
  get waiting(): number {
    return this.#rest.length;
  }

  /**
   * Takes a piece, and gives the frames that are whole by it.
   *
   * @throws {ProtocolError} After those before it, if bytes are no prefix of a frame.
   */
  *take(piece: Uint8Array): Generator<WholeFrame> {
    this.#rest = concat([this.#rest, piece]);
    while (this.#rest.length >= PREFIX_BYTES) {
      const { code, bodyLength } = decodePrefix(this.#rest);
      const bytes = PREFIX_BYTES + bodyLength;
      if (this.#rest.length < bytes) return;
      const body = this.#rest.subarray(PREFIX_BYTES, bytes);
      this.#rest = this.#rest.subarray(bytes);
      // Tensors of a body begin at a multiple of 8 of it.
      yield { code, bytes, decode: () => decodeBody(code, body.slice()) };
    }
  }
}

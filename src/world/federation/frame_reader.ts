import { decodeBody, decodePrefix, PREFIX_BYTES } from "../../wire/frame.ts";
import type { MessageCode } from "../../wire/message_code.ts";
import type { Message } from "../../wire/messages.ts";

/** Reader of the messages in a stream of frames, piece by piece. */
export class FrameReader {
  readonly #codes: ReadonlySet<MessageCode> | undefined;
  readonly #onMessage: (message: Message) => void;
  #rest = new Uint8Array();

  /**
   * Creates a reader.
   *
   * @param onMessage Called with each message that is whole.
   * @param codes Messages to decode; of others only the length is read. Default: all.
   */
  constructor(onMessage: (message: Message) => void, codes?: ReadonlySet<MessageCode>) {
    this.#codes = codes;
    this.#onMessage = onMessage;
  }

  /** Takes the next bytes. */
  take(piece: Uint8Array<ArrayBuffer>): void {
    let bytes = piece;
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + piece.length);
      bytes.set(this.#rest);
      bytes.set(piece, this.#rest.length);
    }
    let at = 0;
    while (at + PREFIX_BYTES <= bytes.length) {
      const { code, bodyLength } = decodePrefix(bytes.subarray(at, at + PREFIX_BYTES));
      const start = at + PREFIX_BYTES, end = start + bodyLength;
      if (end > bytes.length) break;
      if (this.#codes?.has(code) ?? true) {
        this.#onMessage(decodeBody(code, bytes.slice(start, end)));
      }
      at = end;
    }
    this.#rest = bytes.slice(at);
  }
}

import { costOf, type Credit } from "./credit.ts";
import { Opcode } from "./frame_head.ts";
import { BadMessageError, checkLength, CloseCode, HEAD_BYTES } from "./message.ts";

/**
 * Most frames of one message: 256 bytes each on average in the longest message. Fragments may be
 * empty, so that their bytes alone would not limit their number.
 */
export const MOST_FRAGMENTS = 1024;

/**
 * Checks that the frames of a message follow each other.
 *
 * @throws {ProtocolError} If a message begins with a continuation, or before the last one has
 * ended.
 */
export function checkOrder(opcode: Opcode, isFirst: boolean): void {
  if (isFirst === (opcode === Opcode.Binary)) return;
  const begin = "the beginning of a message", continuation = "a continuation";
  throw isFirst
    ? new BadMessageError(begin, continuation)
    : new BadMessageError(continuation, begin);
}

/** A message that is being received in frames: its limits, its cost, and the credit it grants. */
export class IncomingMessage {
  readonly #credit: Credit;
  /** Bytes of the frames so far, as their heads say. */
  #bytes = 0;
  #frames = 0;
  /** Credit that the peer has paid for the data. */
  #paid = 0;
  #grant = 0;
  /** Bytes of the grant that have arrived. */
  #grantBytes = 0;

  /** A message without frames yet. */
  constructor(credit: Credit) {
    this.#credit = credit;
  }

  /** Bytes of the message's head that have not arrived yet. */
  get missingHeadBytes(): number {
    return HEAD_BYTES - this.#grantBytes;
  }

  /** True if the message, which is complete, says that the peer will send no more data. */
  get isEnd(): boolean {
    return this.#bytes === HEAD_BYTES && this.#grant === 0;
  }

  /**
   * Checks the head of a frame, and charges the peer for its data.
   *
   * @param options Whether the frame is the last one, and whether the peer may send data.
   * @throws {ProtocolError} If the message breaks a limit, or its data were not granted.
   */
  addFrame(length: number, options: { isFinal: boolean; isAllowed: boolean }): void {
    this.#bytes += length;
    this.#frames++;
    checkLength(this.#bytes, options.isFinal);
    if (this.#frames > MOST_FRAGMENTS) {
      const code = CloseCode.MessageTooBig;
      throw new BadMessageError(`at most ${MOST_FRAGMENTS} fragments of a message`, "more", code);
    }
    const dataBytes = this.#bytes - HEAD_BYTES;
    if (dataBytes <= 0) return;
    if (!options.isAllowed) {
      throw new BadMessageError("no data after the end", `${dataBytes} bytes`);
    }
    this.#paid = this.#credit.charge(dataBytes, this.#paid);
  }

  /**
   * Takes bytes of the message's head, at most {@linkcode missingHeadBytes}.
   *
   * @throws {ProtocolError} If the peer grants too much.
   */
  addHead(bytes: Uint8Array<ArrayBuffer>): void {
    for (const byte of bytes) this.#grant += byte * 2 ** (8 * this.#grantBytes++);
    if (this.#grantBytes === HEAD_BYTES) this.#credit.addGrant(this.#grant);
  }

  /**
   * Ends the message, of which no more than its bytes waits to be read.
   *
   * @returns Whether the message is so small that its sender may wait for an answer.
   */
  end(): boolean {
    const dataBytes = this.#bytes - HEAD_BYTES;
    if (dataBytes === 0) return false;
    this.#credit.consume(this.#paid - dataBytes);
    return this.#paid === costOf(0);
  }
}

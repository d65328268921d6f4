import { concat } from "../base/bytes.ts";
import { encodeFrame } from "../wire/frame.ts";
import type { MessageCode } from "../wire/message_code.ts";
import type { Message } from "../wire/messages.ts";

/** Bytes of a frame up to which it is sent in one write. */
const JOINED_WRITE_BYTES = 64 * 1024;

/**
 * Message that is sent to several peers and encoded once. Its tensors must not change until all
 * peers have been sent it.
 */
export class SharedMessage {
  /** The message. */
  readonly message: Message;
  #pieces: readonly Uint8Array<ArrayBuffer>[] | undefined;

  /** Shares a message, which the first send encodes. */
  constructor(message: Message) {
    this.message = message;
  }

  /** Code of the message. */
  get code(): MessageCode {
    return this.message.code;
  }

  /** Payload of the message. */
  get payload(): Message["payload"] {
    return this.message.payload;
  }

  /** Bytes of its frame, in the pieces in which they are written. */
  get pieces(): readonly Uint8Array<ArrayBuffer>[] {
    return this.#pieces ??= outgoingPieces(this.message);
  }
}

/**
 * Encodes a message as the pieces in which its frame is written: a small frame is one piece.
 *
 * @throws The errors of `encodeFrame`.
 */
export function outgoingPieces(
  message: Message | SharedMessage,
): readonly Uint8Array<ArrayBuffer>[] {
  if (message instanceof SharedMessage) return message.pieces;
  const pieces = encodeFrame(message);
  return pieces.length > 1 && lengthOf(pieces) <= JOINED_WRITE_BYTES ? [concat(pieces)] : pieces;
}

/** Returns the number of bytes of all pieces. */
export function lengthOf(pieces: readonly Uint8Array[]): number {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  return length;
}

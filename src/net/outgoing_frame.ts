import { concat } from "../base/bytes.ts";
import { encodeFrame } from "../wire/frame.ts";
import type { MessageCode } from "../wire/message_code.ts";
import type { Message } from "../wire/messages.ts";

/** Bytes of a frame up to which it is sent in one write. */
const JOINED_WRITE_BYTES = 64 * 1024;
/** Number of buffers for joined frames that are used again. */
const MOST_BUFFERS = 4;

/** Buffers for joined frames: all of them, and those that are free. */
const buffers = new Set<ArrayBuffer>();
const freeBuffers: ArrayBuffer[] = [];

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
    return this.#pieces ??= joinedPieces(this.message, () => undefined);
  }
}

/**
 * Encodes a message as the pieces in which its frame is written: a small frame is one piece.
 * {@linkcode releasePieces} follows when they are written.
 *
 * @throws The errors of `encodeFrame`.
 */
export function outgoingPieces(
  message: Message | SharedMessage,
): readonly Uint8Array<ArrayBuffer>[] {
  return message instanceof SharedMessage ? message.pieces : joinedPieces(message, takeBuffer);
}

function joinedPieces(
  message: Message,
  take: () => ArrayBuffer | undefined,
): readonly Uint8Array<ArrayBuffer>[] {
  const pieces = encodeFrame(message), length = lengthOf(pieces);
  if (pieces.length === 1 || length > JOINED_WRITE_BYTES) return pieces;
  const buffer = take();
  if (buffer === undefined) return [concat(pieces)];
  const joined = new Uint8Array(buffer, 0, length);
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return [joined];
}

/** Takes a buffer for a frame; `undefined` when all are in use. */
function takeBuffer(): ArrayBuffer | undefined {
  const buffer = freeBuffers.pop();
  if (buffer !== undefined || buffers.size === MOST_BUFFERS) return buffer;
  const made = new ArrayBuffer(JOINED_WRITE_BYTES);
  buffers.add(made);
  return made;
}

/** Gives back the pieces of a message, which is written. */
export function releasePieces(
  message: Message | SharedMessage,
  [piece]: readonly Uint8Array<ArrayBuffer>[],
): void {
  if (message instanceof SharedMessage || piece === undefined) return;
  if (buffers.has(piece.buffer)) freeBuffers.push(piece.buffer);
}

/** Returns the number of bytes of all pieces. */
export function lengthOf(pieces: readonly Uint8Array[]): number {
  let length = 0;
  for (let i = 0; i < pieces.length; i++) length += pieces[i]?.length ?? 0;
  return length;
}

/**
 * Parcels: a value as JSON with vectors behind it, as bytes.
 *
 * ```text
 * uint32 length of the JSON | JSON | zeros up to a multiple of 8 | vectors, one behind the other
 * ```
 *
 * @module
 */

import { errorMessage } from "../base/errors.ts";
import { ClusterError } from "./cluster_error.ts";

/** Parcel that was read. */
export interface Parcel {
  /** Value that was written as JSON. */
  readonly head: unknown;
  /** Vectors, from a multiple of 8 of their memory on. */
  readonly body: Uint8Array<ArrayBuffer>;
}

const encoder = new TextEncoder(), decoder = new TextDecoder();
const LENGTH_BYTES = 4, ALIGNMENT = 8;

/** Writes the JSON of a parcel with its length and the zeros behind it. */
export function parcelHead(head: unknown): Uint8Array<ArrayBuffer> {
  const text = encoder.encode(JSON.stringify(head));
  const bytes = new Uint8Array(aligned(LENGTH_BYTES + text.length));
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, LENGTH_BYTES);
  return bytes;
}

/** Writes a parcel to one array of bytes. */
export function parcelBytes(
  head: unknown,
  vectors: readonly ArrayBufferView[] = [],
): Uint8Array<ArrayBuffer> {
  return joined([parcelHead(head), ...vectors]);
}

/**
 * Reads a parcel.
 *
 * @param bytes Bytes that begin at a multiple of 8 of their memory.
 * @throws {ClusterError} "bad-message".
 */
export function readParcel(bytes: Uint8Array<ArrayBuffer>): Parcel {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const length = view.getUint32(0, true), end = LENGTH_BYTES + length;
    if (end > bytes.length) throw new RangeError(`expected ${length} bytes of JSON`);
    const head = JSON.parse(decoder.decode(bytes.subarray(LENGTH_BYTES, end)));
    return { head, body: bytes.subarray(aligned(end)) };
  } catch (cause) {
    throw new ClusterError(
      "bad-message",
      `Cannot read a message of the cluster: ${errorMessage(cause)}`,
      { cause },
    );
  }
}

/** Copies what a client of NATS has received, whose memory other messages share. */
export function ownBytes(received: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(received);
}

/** Returns the bytes of a view. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Number of bytes of views. */
export function totalBytes(views: readonly ArrayBufferView[]): number {
  return views.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** Copies views behind one another. */
function joined(views: readonly ArrayBufferView[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(totalBytes(views));
  let at = 0;
  for (const view of views) {
    bytes.set(bytesOf(view), at);
    at += view.byteLength;
  }
  return bytes;
}

/**
 * Cuts views, one behind the other, into pieces of `most` bytes: parts of the views themselves, or
 * copies where a piece has bytes of several views or of memory that threads share.
 */
export function* cut(
  views: readonly ArrayBufferView[],
  most: number,
): Generator<Uint8Array<ArrayBuffer>> {
  let left = totalBytes(views), piece = new Uint8Array(Math.min(most, left)), at = 0;
  for (const view of views) {
    const bytes = bytesOf(view);
    for (let from = 0; from < bytes.length;) {
      if (at === 0 && bytes.length - from >= piece.length && isOwn(bytes)) {
        yield bytes.subarray(from, from + piece.length);
        from += piece.length;
        left -= piece.length;
        if (piece.length > left) piece = new Uint8Array(left);
        continue;
      }
      const count = Math.min(bytes.length - from, piece.length - at);
      piece.set(bytes.subarray(from, from + count), at);
      from += count;
      at += count;
      if (at < piece.length) continue;
      yield piece;
      left -= at;
      piece = new Uint8Array(Math.min(most, left));
      at = 0;
    }
  }
}

function isOwn(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

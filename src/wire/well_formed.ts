/**
 * The check of a body's CBOR structure.
 *
 * @module
 */

import { ProtocolError } from "../base/errors.ts";

/** RFC 8746: a little-endian float32 array. */
export const FLOAT32_TAG = 85;
/** Alignment of tensors: each begins at a multiple of this from the start of the frame's body. */
export const TENSOR_ALIGNMENT = 8;

const DECODER = new TextDecoder("utf-8", { fatal: true });
const MAX_DEPTH = 64;
const MAX_ITEMS = 200_000;

/** An error for a body with too many bytes besides its tensors. */
function tooLong(most: number): ProtocolError {
  return new ProtocolError(
    "frame-too-large",
    `Cannot read the body: expected at most ${most} bytes besides its tensors, got more`,
  );
}

function malformed(message: string): ProtocolError {
  return new ProtocolError("malformed-body", `Cannot read the body: ${message}`);
}

/**
 * Checks a body's CBOR structure before anything is decoded.
 *
 * The decoder then meets only what the protocol has: definite lengths, texts in UTF-8, text keys
 * that do not repeat, plain numbers, and aligned float32 arrays. Records, cycles, big numbers and
 * other extensions of decoders are refused as soon as they are met. The check allocates nothing but
 * the sets of keys.
 *
 * @param mostFields Most bytes besides the data of tensors.
 * @throws {ProtocolError} If the body has any other structure, "malformed-body", or too many bytes
 * besides its tensors, "frame-too-large".
 */
export function checkWellFormed(body: Uint8Array, mostFields = Infinity): void {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let at = 0;
  let items = 0;
  /** Bytes of the data of tensors so far. */
  let tensors = 0;

  function checkFields(): void {
    if (at - tensors > mostFields) throw tooLong(mostFields);
  }

  function argument(info: number): number {
    if (info < 24) return info;
    const size = 1 << (info - 24);
    if (info > 27) {
      throw malformed(
        `expected a definite length at byte ${at - 1}, got additional information ${info}`,
      );
    }
    if (at + size > body.length) {
      throw malformed(`expected ${size} more bytes at byte ${at}, got ${body.length - at}`);
    }
    const value = size === 1
      ? view.getUint8(at)
      : size === 2
      ? view.getUint16(at)
      : size === 4
      ? view.getUint32(at)
      : Number(view.getBigUint64(at));
    at += size;
    return value;
  }

  function skip(length: number): void {
    if (length > body.length - at) {
      throw malformed(`expected ${length} more bytes at byte ${at}, got ${body.length - at}`);
    }
    at += length;
    checkFields();
  }

  function checkText(from: number): void {
    let isAscii = true;
    for (let i = from; i < at && isAscii; i++) isAscii = (body[i] ?? 0) < 0x80;
    if (isAscii) return;
    try {
      DECODER.decode(body.subarray(from, at));
    } catch {
      throw malformed(`expected UTF-8 in the text at byte ${from}`);
    }
  }

  function key(seen: Set<string>): void {
    const start = at;
    const head = body[at++];
    if (head === undefined || head >> 5 !== 3) {
      throw malformed(`expected a text key at byte ${start}`);
    }
    const length = argument(head & 31);
    if (length > 256) {
      throw malformed(`expected a key of at most 256 bytes at byte ${start}, got ${length}`);
    }
    const begin = at;
    skip(length);
    checkText(begin);
    let name = "";
    for (let i = begin; i < at; i++) name += String.fromCharCode(body[i] ?? 0);
    if (seen.has(name)) throw malformed(`key ${JSON.stringify(name)} stands twice`);
    seen.add(name);
  }

  function tensor(start: number): void {
    const head = body[at++];
    if (head === undefined || head >> 5 !== 2) {
      throw malformed(`expected a byte string in the array at byte ${start}`);
    }
    const length = argument(head & 31);
    if (length % 4 !== 0) {
      throw malformed(
        `expected a float32 array of whole elements at byte ${start}, got ${length} bytes`,
      );
    }
    if (at % TENSOR_ALIGNMENT !== 0) {
      throw malformed(
        `expected the array's data at a multiple of ${TENSOR_ALIGNMENT}, got byte ${at}`,
      );
    }
    tensors += length;
    skip(length);
  }

  function item(depth: number): void {
    const start = at;
    const head = body[at++];
    if (head === undefined) throw malformed(`expected a data item at byte ${start}, got the end`);
    if (depth > MAX_DEPTH) throw malformed(`expected at most ${MAX_DEPTH} levels`);
    if (++items > MAX_ITEMS) throw malformed(`expected at most ${MAX_ITEMS} data items`);
    // Numbers are short; what is long is met where it is skipped.
    const major = head >> 5, info = head & 31;
    switch (major) {
      case 0:
      case 1:
        argument(info);
        return;
      case 2:
        skip(argument(info));
        return;
      case 3: {
        const length = argument(info), from = at;
        skip(length);
        checkText(from);
        return;
      }
      case 4:
        for (let left = argument(info); left > 0; left--) item(depth + 1);
        return;
      case 5: {
        const seen = new Set<string>();
        for (let left = argument(info); left > 0; left--) {
          key(seen);
          item(depth + 1);
        }
        return;
      }
      case 6: {
        const tag = argument(info);
        if (tag !== FLOAT32_TAG) {
          throw malformed(`expected no tag but ${FLOAT32_TAG} at byte ${start}, got ${tag}`);
        }
        return tensor(start);
      }
      default:
        if (info === 20 || info === 21 || info === 22) return;
        if (info < 25 || info > 27) {
          throw malformed(`unknown simple value ${info} at byte ${start}`);
        }
        skip(1 << (info - 24));
    }
  }

  const first = body[0];
  if (first === undefined || first >> 5 !== 5) {
    throw malformed(
      `expected a map, got ${first === undefined ? "nothing" : `byte 0x${first.toString(16)}`}`,
    );
  }
  item(0);
  checkFields();
  if (at !== body.length) {
    throw malformed(`expected the end at byte ${at}, got ${body.length - at} more bytes`);
  }
}

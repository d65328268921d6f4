/**
 * The reader of a body's CBOR.
 *
 * @module
 */

import { ProtocolError } from "../base/errors.ts";
import { TextReader } from "./text_reader.ts";

/** RFC 8746: a little-endian float32 array. */
export const FLOAT32_TAG = 85;
/** RFC 8746: an array of bytes. */
export const BYTES_TAG = 64;
/** RFC 8746: a little-endian array of unsigned integers of 32 bits. */
export const UINT32_TAG = 70;
/** Alignment of tensors: each begins at a multiple of this from the start of the frame's body. */
export const TENSOR_ALIGNMENT = 8;

/** Array that a frame carries as it is. */
export type Tensor =
  | Float32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

const MAX_DEPTH = 64;
const MAX_ITEMS = 200_000;
const MAX_KEY_BYTES = 256;

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
 * Reads a body, which is one CBOR map. Tensors are views on `body`, not copies.
 *
 * Only what the protocol has is read: definite lengths, texts in UTF-8, text keys that do not
 * repeat, plain numbers, and aligned arrays of bytes, float32 and uint32. Records, cycles, big
 * numbers and other extensions of decoders are refused as soon as they are met. A length is
 * compared with what is left of the body before anything of it is made.
 *
 * @param body The bytes, which begin at a multiple of 8 in their buffer.
 * @param mostFields Most bytes besides the data of tensors.
 * @throws {ProtocolError} If the body has any other structure, "malformed-body", or too many bytes
 * besides its tensors, "frame-too-large".
 */
export function readBody(body: Uint8Array<ArrayBuffer>, mostFields = Infinity): unknown {
  return new BodyReader(body, mostFields).read();
}

class BodyReader {
  readonly #body: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #mostFields: number;
  #at = 0;
  #items = 0;
  /** Bytes of the data of tensors so far. */
  #tensors = 0;

  constructor(body: Uint8Array<ArrayBuffer>, mostFields: number) {
    this.#body = body;
    this.#view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    this.#mostFields = mostFields;
  }

  read(): unknown {
    const body = this.#body;
    const first = body[0];
    if (first === undefined || first >> 5 !== 5) {
      throw malformed(
        `expected a map, got ${first === undefined ? "nothing" : `byte 0x${first.toString(16)}`}`,
      );
    }
    const map = this.#item(0);
    this.#checkFields();
    if (this.#at !== body.length) {
      throw malformed(
        `expected the end at byte ${this.#at}, got ${body.length - this.#at} more bytes`,
      );
    }
    return map;
  }

  #item(depth: number): unknown {
    const start = this.#at;
    const head = this.#body[this.#at++];
    if (head === undefined) throw malformed(`expected a data item at byte ${start}, got the end`);
    if (depth > MAX_DEPTH) throw malformed(`expected at most ${MAX_DEPTH} levels`);
    if (++this.#items > MAX_ITEMS) throw malformed(`expected at most ${MAX_ITEMS} data items`);
    // Numbers are short; what is long is met where it is skipped.
    const info = head & 31;
    switch (head >> 5) {
      case 0:
        return this.#argument(info);
      case 1:
        return -1 - this.#argument(info);
      case 2: {
        const from = this.#skip(this.#argument(info));
        return this.#body.slice(from, this.#at);
      }
      case 3:
        return this.#text(this.#argument(info));
      case 4:
        return this.#array(depth, this.#argument(info));
      case 5:
        return this.#map(depth, this.#argument(info));
      case 6:
        return this.#tensor(start, this.#argument(info));
      default:
        return this.#simple(start, info);
    }
  }

  #array(depth: number, length: number): unknown[] {
    const items: unknown[] = [];
    for (let left = length; left > 0; left--) items.push(this.#item(depth + 1));
    return items;
  }

  #map(depth: number, length: number): unknown {
    const map: Record<string, unknown> = {};
    for (let left = length; left > 0; left--) {
      const key = this.#key();
      if (Object.hasOwn(map, key)) throw malformed(`key ${JSON.stringify(key)} stands twice`);
      const value = this.#item(depth + 1);
      if (key !== "__proto__") map[key] = value;
      // An assignment would change what the map inherits.
      else Object.defineProperty(map, key, { value, enumerable: true });
    }
    return map;
  }

  #key(): string {
    const start = this.#at;
    const head = this.#body[this.#at++];
    if (head === undefined || head >> 5 !== 3) {
      throw malformed(`expected a text key at byte ${start}`);
    }
    const length = this.#argument(head & 31);
    if (length > MAX_KEY_BYTES) {
      throw malformed(
        `expected a key of at most ${MAX_KEY_BYTES} bytes at byte ${start}, got ${length}`,
      );
    }
    return this.#text(length);
  }

  #text(length: number): string {
    const from = this.#skip(length);
    const text = texts.read(this.#body, from, this.#at);
    if (text === undefined) throw malformed(`expected UTF-8 in the text at byte ${from}`);
    return text;
  }

  #tensor(start: number, tag: number): Tensor {
    if (tag !== FLOAT32_TAG && tag !== UINT32_TAG && tag !== BYTES_TAG) {
      throw malformed(
        `expected no tag but ${FLOAT32_TAG}, ${UINT32_TAG} and ${BYTES_TAG} at byte ${start}, got ${tag}`,
      );
    }
    const head = this.#body[this.#at++];
    if (head === undefined || head >> 5 !== 2) {
      throw malformed(`expected a byte string in the array at byte ${start}`);
    }
    const length = this.#argument(head & 31);
    if (tag !== BYTES_TAG && length % 4 !== 0) {
      throw malformed(
        `expected a ${
          tag === FLOAT32_TAG ? "float32" : "uint32"
        } array of whole elements at byte ${start}, got ${length} bytes`,
      );
    }
    if (this.#at % TENSOR_ALIGNMENT !== 0) {
      throw malformed(
        `expected the array's data at a multiple of ${TENSOR_ALIGNMENT}, got byte ${this.#at}`,
      );
    }
    this.#tensors += length;
    const from = this.#skip(length);
    const { buffer, byteOffset } = this.#body;
    if (tag === BYTES_TAG) return new Uint8Array(buffer, byteOffset + from, length);
    if (tag === UINT32_TAG) return new Uint32Array(buffer, byteOffset + from, length / 4);
    return new Float32Array(buffer, byteOffset + from, length / 4);
  }

  #simple(start: number, info: number): boolean | null | number {
    switch (info) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
        return null;
      case 25:
        return this.#view.getFloat16(this.#skip(2));
      case 26:
        return this.#view.getFloat32(this.#skip(4));
      case 27:
        return this.#view.getFloat64(this.#skip(8));
      default:
        throw malformed(`unknown simple value ${info} at byte ${start}`);
    }
  }

  #argument(info: number): number {
    if (info < 24) return info;
    const size = 1 << (info - 24);
    if (info > 27) {
      throw malformed(
        `expected a definite length at byte ${this.#at - 1}, got additional information ${info}`,
      );
    }
    const at = this.#at, left = this.#body.length - at;
    if (size > left) throw malformed(`expected ${size} more bytes at byte ${at}, got ${left}`);
    this.#at += size;
    const view = this.#view;
    return size === 1
      ? view.getUint8(at)
      : size === 2
      ? view.getUint16(at)
      : size === 4
      ? view.getUint32(at)
      : Number(view.getBigUint64(at));
  }

  /** Moves on by a number of bytes, and returns the position before. */
  #skip(length: number): number {
    const at = this.#at, left = this.#body.length - at;
    if (length > left) throw malformed(`expected ${length} more bytes at byte ${at}, got ${left}`);
    this.#at += length;
    this.#checkFields();
    return at;
  }

  #checkFields(): void {
    if (this.#at - this.#tensors > this.#mostFields) throw tooLong(this.#mostFields);
  }
}

const texts = new TextReader();

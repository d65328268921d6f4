import { encodeItem, isPlain, isShortText } from "./cbor.ts";

/** Major types of CBOR (RFC 8949, section 3.1). */
export const BYTE_STRING = 2, MAP = 5, TAG = 6;
const UNSIGNED = 0, NEGATIVE = 1, TEXT = 3, ARRAY = 4;

/** Heads of data items that have no argument (RFC 8949, section 3.3). */
const FALSE = 0xF4, TRUE = 0xF5, NULL = 0xF6, FLOAT64 = 0xFB;

const TWO_32 = 2 ** 32;
/** Most bytes of a head. */
const HEAD_BYTES = 9;
/** Size of the buffer, and the most that is kept of it. */
const BUFFER_BYTES = 4096;

/**
 * Writer of CBOR into a buffer that is used again for the next frame.
 *
 * cbor-x encodes each data item into memory of its own, and a map only as a whole. A frame has
 * tensors among the values of its map, whose bytes are not copied, so its heads are written here,
 * and so are the short texts, numbers and lists of them that most messages consist of.
 */
export class CborWriter {
  #bytes = new Uint8Array(BUFFER_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Number of bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Begins with a number of zeros. */
  begin(zeros: number): void {
    this.#length = 0;
    this.#reserve(zeros);
    this.#bytes.fill(0, 0, zeros);
    this.#length = zeros;
  }

  /** Returns a copy of the bytes written so far. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    if (this.#bytes.length > BUFFER_BYTES) this.#resize(BUFFER_BYTES);
    return taken;
  }

  /** Writes the head of a data item: its major type, and a length, a count or a tag. */
  head(majorType: number, argument: number): void {
    this.#reserve(HEAD_BYTES);
    const type = majorType << 5;
    if (argument < 24) {
      this.#view.setUint8(this.#length++, type | argument);
    } else if (argument < 0x100) {
      this.#view.setUint16(this.#length, (type | 24) << 8 | argument);
      this.#length += 2;
    } else if (argument < 0x10000) {
      this.#view.setUint8(this.#length, type | 25);
      this.#view.setUint16(this.#length + 1, argument);
      this.#length += 3;
    } else if (argument < TWO_32) {
      this.#view.setUint8(this.#length, type | 26);
      this.#view.setUint32(this.#length + 1, argument);
      this.#length += 5;
    } else {
      this.#view.setUint8(this.#length, type | 27);
      this.#view.setUint32(this.#length + 1, argument / TWO_32);
      this.#view.setUint32(this.#length + 5, argument);
      this.#length += 9;
    }
  }

  /** Writes a data item. */
  item(value: unknown): void {
    if (typeof value === "number") return this.#number(value);
    if (typeof value === "string" && isShortText(value)) return this.#shortText(value);
    if (typeof value === "boolean") return this.#simple(value ? TRUE : FALSE);
    if (value === null) return this.#simple(NULL);
    if (Array.isArray(value) && isPlain(value)) return this.#list(value);
    this.#append(encodeItem(value));
  }

  /**
   * Lengthens an empty byte string, written before, to a number of zeros below 24.
   *
   * @param at Position of the byte string.
   */
  lengthen(at: number, zeros: number): void {
    if (zeros === 0) return;
    this.#reserve(zeros);
    const from = at + 1;
    this.#bytes.copyWithin(from + zeros, from, this.#length);
    this.#bytes.fill(0, from, from + zeros);
    this.#bytes[at] = BYTE_STRING << 5 | zeros;
    this.#length += zeros;
  }

  #number(value: number): void {
    if (value >>> 0 === value) return this.head(UNSIGNED, value);
    if (value < 0 && value >= -TWO_32 && Number.isInteger(value)) {
      return this.head(NEGATIVE, -1 - value);
    }
    this.#reserve(HEAD_BYTES);
    this.#view.setUint8(this.#length, FLOAT64);
    this.#view.setFloat64(this.#length + 1, value);
    this.#length += 9;
  }

  #shortText(text: string): void {
    const { length } = text;
    this.head(TEXT, length);
    this.#reserve(length);
    for (let i = 0; i < length; i++) this.#bytes[this.#length++] = text.charCodeAt(i);
  }

  #list(items: readonly unknown[]): void {
    this.head(ARRAY, items.length);
    for (const item of items) this.item(item);
  }

  #simple(head: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = head;
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(count: number): void {
    const least = this.#length + count;
    if (least > this.#bytes.length) this.#resize(Math.max(least, 2 * this.#bytes.length));
  }

  #resize(length: number): void {
    const written = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(length);
    this.#bytes.set(written);
    this.#view = new DataView(this.#bytes.buffer);
  }
}

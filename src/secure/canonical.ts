import { concat } from "../base/bytes.ts";
import { label, text, u32 } from "./encoding.ts";
import type { Bytes } from "./primitives.ts";

/** Bytes of the first memory, which grows. */
const FIRST_BYTES = 1024;
const utf8 = new TextEncoder();

/**
 * Encodes a value of JSON's types so that equal values have equal bytes, in any language: a letter
 * for the type, then the content. Numbers are float64, and -0 counts as 0; fields are sorted by
 * UTF-16, and those that are `undefined` count as absent.
 *
 * @throws {TypeError} If there is a value of another type.
 */
export function canonicalBytes(value: unknown): Bytes {
  const writer = new CanonicalWriter();
  writer.value(value);
  return writer.take();
}

/** Encodes an object as {@linkcode canonicalBytes} does, from its fields, encoded each. */
export function canonicalObject(fields: Readonly<Record<string, Bytes>>): Bytes {
  const sorted = Object.entries(fields).sort(byName);
  const parts = sorted.flatMap(([name, content]) => [text(name), content]);
  return concat([label("o"), u32(sorted.length), ...parts]);
}

/** Writes values into one memory: a schema of thousands of columns has as many small parts. */
class CanonicalWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  value(value: unknown): void {
    if (value === null) this.#letter("n");
    else if (typeof value === "boolean") this.#letter(value ? "t" : "f");
    else if (typeof value === "number") this.#number(value);
    else if (typeof value === "string") {
      this.#letter("s");
      this.#text(value);
    } else if (Array.isArray(value)) {
      this.#letter("a");
      this.#u32(value.length);
      for (const item of value) this.value(item);
    } else if (typeof value === "object") this.#object(value);
    else throw new TypeError(`Cannot encode the training: expected JSON, got a ${typeof value}`);
  }

  take(): Bytes {
    return this.#bytes.slice(0, this.#length);
  }

  #object(value: object): void {
    const fields = Object.entries(value).filter(([, content]) => content !== undefined)
      .sort(byName);
    this.#letter("o");
    this.#u32(fields.length);
    for (const [name, content] of fields) {
      this.#text(name);
      this.value(content);
    }
  }

  #letter(letter: string): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = letter.charCodeAt(0);
  }

  #u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  #number(value: number): void {
    this.#letter("d");
    this.#reserve(8);
    // The sum is 0 for -0, which arrives as 0: messages have whole numbers without a sign of 0.
    this.#view.setFloat64(this.#length, value + 0, true);
    this.#length += 8;
  }

  #text(value: string): void {
    // A unit of UTF-16 has three bytes at most.
    this.#reserve(4 + 3 * value.length);
    const { written } = utf8.encodeInto(value, this.#bytes.subarray(this.#length + 4));
    this.#u32(written);
    this.#length += written;
  }

  #reserve(count: number): void {
    const least = this.#length + count;
    if (least <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(least, 2 * this.#bytes.length));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

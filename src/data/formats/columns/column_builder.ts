/**
 * Collector of one column of a table.
 *
 * @module
 */

import { MAX_TEXTS, MAX_TEXTS_LENGTH } from "../../limits.ts";
import { ByteDictionary } from "./byte_dictionary.ts";
import { decodeField } from "./decode_field.ts";
import { canonicalName, quoted } from "../../schema/names.ts";
import { numberOf } from "./number_text.ts";

/**
 * Kind of a column as far as it has been read: nothing but missing values, numbers, texts, or
 * numbers first and then a text. The numbers of the last kind are lost: the table is read again
 * with the kind set to `text`, because only the file has their spelling.
 */
export type ColumnKind = "empty" | "number" | "text" | "mixed";

/** Collector of the values of one column. Rows may be set again until the next one is set. */
export class ColumnBuilder {
  readonly #missing: ReadonlySet<string>;
  readonly #missingNumbers: ReadonlySet<number> | undefined;
  readonly #describe: () => string;
  #kind: ColumnKind;
  #numbers: Float64Array<ArrayBuffer> = new Float64Array(0);
  #codes: Int32Array<ArrayBuffer> = new Int32Array(0);
  #capacity = 0;
  #fields: ByteDictionary | undefined;
  readonly #texts = new Map<string, number>();
  #textsLength = 0;

  /**
   * Starts an empty column.
   *
   * @param describe Gives the name of table and column for messages.
   * @param isText True if the values are texts even where they are numbers.
   */
  constructor(missing: ReadonlySet<string>, describe: () => string, isText: boolean) {
    this.#missing = missing;
    const numbers = [...missing].map(numberOf).filter((value) => !Number.isNaN(value));
    this.#missingNumbers = numbers.length > 0 ? new Set(numbers) : undefined;
    this.#describe = describe;
    this.#kind = isText ? "text" : "empty";
  }

  /** Kind of the values so far. */
  get kind(): ColumnKind {
    return this.#kind;
  }

  /** True if the values are wanted as texts. */
  get isText(): boolean {
    return this.#kind === "text";
  }

  /** Makes place for the values of `capacity` rows. */
  reserve(capacity: number): void {
    this.#capacity = capacity;
    if (this.#kind === "text") this.#codes = grown(this.#codes, new Int32Array(capacity));
    else if (this.#kind !== "mixed") {
      this.#numbers = grown(this.#numbers, new Float64Array(capacity));
    }
  }

  /** Sets a value that is a number. */
  setNumber(row: number, value: number): void {
    if (this.#kind === "text") {
      this.#codes[row] = this.#codeOf(`${value}`);
      return;
    }
    if (this.#missingNumbers?.has(value)) value = NaN;
    else if (this.#kind === "empty") this.#kind = "number";
    this.#numbers[row] = value;
  }

  /** Sets a missing value. */
  setMissing(row: number): void {
    if (this.#kind === "text") this.#codes[row] = -1;
    else this.#numbers[row] = NaN;
  }

  /** Sets a value that is a text: a number, a mark of a missing value, or any other. */
  setText(row: number, text: string): void {
    if (this.#kind === "text") {
      this.#codes[row] = this.#codeOf(text);
      return;
    }
    if (this.#missing.has(text.trim())) return this.setMissing(row);
    const value = numberOf(text.trim());
    if (!Number.isNaN(value)) return this.setNumber(row, value);
    if (this.#kind !== "empty") {
      this.#kind = "mixed";
      return;
    }
    this.#kind = "text";
    this.#numbers = new Float64Array(0);
    this.#codes = new Int32Array(this.#capacity).fill(-1);
    this.#codes[row] = this.#codeOf(text);
  }

  /** Sets a value that is a text, from its bytes in UTF-8. */
  setBytes(row: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#kind !== "text") return this.setText(row, decodeField(bytes, start, end));
    this.#fields ??= new ByteDictionary();
    this.#codes[row] = this.#fields.get(
      bytes,
      start,
      end,
      () => this.#codeOf(decodeField(bytes, start, end)),
    );
  }

  /** Returns true if a text is among the values. */
  hasText(text: string): boolean {
    return this.#texts.has(canonicalName(text));
  }

  /** Gives the values from row `from` to row `to`. */
  finish(
    from: number,
    to: number,
  ): { numbers: Float64Array } | { codes: Int32Array; texts: string[] } {
    if (this.#kind !== "text") return { numbers: this.#numbers.subarray(from, to) };
    return { codes: this.#codes.subarray(from, to), texts: [...this.#texts.keys()] };
  }

  #codeOf(text: string): number {
    const trimmed = text.trim();
    if (this.#missing.has(trimmed) || this.#missingNumbers?.has(numberOf(trimmed))) return -1;
    const spelled = canonicalName(trimmed);
    const known = this.#texts.get(spelled);
    if (known !== undefined) return known;
    const code = this.#texts.size;
    this.#textsLength += spelled.length;
    if (code === MAX_TEXTS || this.#textsLength > MAX_TEXTS_LENGTH) {
      throw new RangeError(
        `${this.#describe()}: expected numbers, or at most ${MAX_TEXTS} different texts of ${MAX_TEXTS_LENGTH} characters, got ${
          quoted(text)
        } as one more, leave the column out (option excludeColumns, --exclude-columns)`,
      );
    }
    this.#texts.set(spelled, code);
    return code;
  }
}

function grown<T extends Float64Array | Int32Array>(array: T, larger: T): T {
  larger.set(array);
  return larger;
}

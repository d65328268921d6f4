/**
 * Reader of libsvm's format.
 *
 * @module
 */

import { MAX_VALUES } from "../limits.ts";
import { ColumnChoice } from "./columns/column_choice.ts";
import type { ColumnBuilder } from "./columns/column_builder.ts";
import { finishTable } from "./columns/finish_table.ts";
import { numberOf } from "./columns/number_text.ts";
import { RowLines } from "./columns/row_lines.ts";
import { LineSplitter } from "./line_splitter.ts";
import type { RawTable, ReadTableOptions } from "./raw_table.ts";

/** Largest index: the columns of a row must fit into a table. */
const MAX_INDEX = 2 ** 20;

/**
 * Reader of libsvm's format (`label index:value …`, also that of SVMlight) in UTF-8 that comes in
 * pieces. Columns are named by their index, and `label` comes last. Values that a row lacks are 0.
 */
export class LibsvmReader {
  readonly #name: string;
  readonly #options: ReadTableOptions;
  readonly #lines: LineSplitter;
  readonly #places = new RowLines();
  readonly #labels: string[] = [];
  /** Index and value of each entry, row after row, and the entries up to the end of each row. */
  readonly #indices = new Growing((length) => new Int32Array(length));
  readonly #values = new Growing((length) => new Float64Array(length));
  readonly #ends: number[] = [];
  #greatest = -1;
  #least = 1;

  /** Starts a table that messages call `name`. */
  constructor(name: string, options: ReadTableOptions) {
    this.#name = name;
    this.#options = options;
    this.#lines = new LineSplitter(name, (text, line) => this.#add(text, line));
  }

  /**
   * Reads the next piece.
   *
   * @throws {SyntaxError} If a line is malformed.
   */
  push(piece: Uint8Array): void {
    this.#lines.push(piece);
  }

  /**
   * Ends the text, and gives the table.
   *
   * @throws {SyntaxError | RangeError} If there are no rows, or more columns than the options say.
   */
  end(): RawTable {
    this.#lines.end();
    const name = this.#name;
    const rows = this.#labels.length;
    if (rows === 0) throw new SyntaxError(`Cannot read ${name}: it is empty`);
    const { sparseColumns } = this.#options;
    const from = this.#least;
    const count = sparseColumns ?? this.#greatest + 1 - from;
    if (!Number.isSafeInteger(count) || count < 1 || count > MAX_INDEX) {
      throw new RangeError(`Cannot read ${name}: expected 1 to ${MAX_INDEX} columns, got ${count}`);
    }
    if (this.#greatest - from >= count) {
      throw new RangeError(
        `Cannot read ${name}: expected indices from ${from} to ${
          from + count - 1
        }, got ${this.#greatest} (option sparseColumns, --sparse-columns)`,
      );
    }
    if (rows * count > MAX_VALUES) {
      throw new RangeError(
        `Cannot read ${name}: expected at most ${MAX_VALUES} values, zeros included, got ${rows} rows of ${count}, divide the file among several clients`,
      );
    }
    const header = [...Array.from({ length: count }, (_, i) => `${from + i}`), "label"];
    const choice = new ColumnChoice(name, this.#options);
    choice.check(header, header.length);
    const areTexts = this.#labels.some((label) => Number.isNaN(numberOf(label)));
    const builders = header.map((title, index) =>
      choice.builder(title, index, areTexts && index === count)
    );
    for (const builder of builders) builder?.reserve(rows);
    this.#fill(builders, from);
    return finishTable({
      ...{ name, choice, header, builders },
      from: 0,
      to: rows,
      notes: [],
      place: (row) => `line ${this.#places.get(row)}`,
    });
  }

  #fill(builders: readonly (ColumnBuilder | undefined)[], from: number): void {
    const label = builders.at(-1);
    for (const builder of builders) {
      if (builder === label) continue;
      for (let row = 0; row < this.#ends.length; row++) builder?.setNumber(row, 0);
    }
    let entry = 0;
    for (const [row, end] of this.#ends.entries()) {
      label?.setText(row, this.#labels[row] ?? "");
      for (; entry < end; entry++) {
        builders[this.#indices.at(entry) - from]?.setNumber(row, this.#values.at(entry));
      }
    }
  }

  #add(text: string, line: number): void {
    const [label = "", ...entries] = text.replace(/#.*/, "").trim().split(/\s+/);
    if (label === "") return;
    const place = `Cannot read ${this.#name}: line ${line}`;
    if (label.includes(":")) {
      throw new SyntaxError(`${place}: expected a label before the values, got ${quote(label)}`);
    }
    let before = -1;
    for (const entry of entries) {
      const colon = entry.indexOf(":");
      const key = entry.slice(0, colon);
      if (key === "qid") continue;
      const index = /^\d+$/.test(key) ? Number(key) : -1;
      const value = numberOf(entry.slice(colon + 1));
      if (colon < 1 || index < 0 || index > MAX_INDEX || Number.isNaN(value)) {
        throw new SyntaxError(
          `${place}: expected index:value, with an index up to ${MAX_INDEX}, got ${quote(entry)}`,
        );
      }
      if (index <= before) {
        throw new SyntaxError(`${place}: expected an index above ${before}, got ${quote(entry)}`);
      }
      before = index;
      this.#indices.push(index);
      this.#values.push(value);
      if (index === 0) this.#least = 0;
    }
    if (before > this.#greatest) this.#greatest = before;
    this.#ends.push(this.#values.length);
    this.#places.set(this.#labels.length, line);
    this.#labels.push(label);
  }
}

/** Array of numbers that grows. */
class Growing<T extends Int32Array | Float64Array> {
  readonly #make: (length: number) => T;
  #array: T;
  length = 0;

  constructor(make: (length: number) => T) {
    this.#make = make;
    this.#array = make(1024);
  }

  push(value: number): void {
    if (this.length === this.#array.length) {
      const larger = this.#make(2 * this.length);
      larger.set(this.#array);
      this.#array = larger;
    }
    this.#array[this.length++] = value;
  }

  at(place: number): number {
    return this.#array[place] ?? NaN;
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

/**
 * Reader of JSON lines.
 *
 * @module
 */

import { MAX_LINE } from "../../limits.ts";
import { ObjectRows } from "../columns/object_rows.ts";
import type { RawTable, ReadTableOptions } from "../raw_table.ts";
import { fieldsOf, parseJson } from "./json.ts";

const FEED = 0x0A, CARRIAGE = 0x0D;

/**
 * Reader of JSON lines in UTF-8 that come in pieces. Where a column has texts after numbers, the
 * text is to be given a second time.
 */
export class JsonLinesReader {
  readonly #name: string;
  readonly #options: ReadTableOptions;
  #rows: ObjectRows;
  #decoder = new TextDecoder("utf-8", { fatal: true });
  /** Beginning of a line that has not ended yet. */
  #start: Uint8Array[] = [];
  #startLength = 0;
  #line = 0;
  #isAfterCarriage = false;

  /** Starts a table that messages call `name`. */
  constructor(name: string, options: ReadTableOptions) {
    this.#name = name;
    this.#options = options;
    this.#rows = new ObjectRows(name, options, "line");
  }

  /**
   * Reads the next piece.
   *
   * @throws {SyntaxError} If a line is no JSON object.
   */
  push(piece: Uint8Array): void {
    let start = 0;
    for (let i = 0; i < piece.length; i++) {
      const byte = piece[i];
      if (byte !== FEED && byte !== CARRIAGE) {
        this.#isAfterCarriage = false;
        continue;
      }
      const isSecond = byte === FEED && this.#isAfterCarriage;
      this.#isAfterCarriage = byte === CARRIAGE;
      if (!isSecond) this.#endLine(piece.subarray(start, i));
      start = i + 1;
    }
    this.#start.push(piece.slice(start));
    this.#startLength += piece.length - start;
    if (this.#startLength > 3 * MAX_LINE) this.#refuseLong("more");
  }

  /**
   * Ends the text. Gives the table, or `undefined` if the text is to be given again.
   *
   * @throws {SyntaxError | RangeError} If the text is no such table.
   */
  end(): RawTable | undefined {
    this.#endLine(new Uint8Array(0));
    const { mixedColumns } = this.#rows;
    if (mixedColumns === undefined) return this.#rows.finish();
    this.#rows = new ObjectRows(this.#name, this.#options, "line", mixedColumns);
    this.#line = 0;
    this.#isAfterCarriage = false;
    return undefined;
  }

  #endLine(rest: Uint8Array): void {
    this.#line++;
    const place = `Cannot read ${this.#name}: line ${this.#line}`;
    let text = "";
    try {
      for (const part of this.#start) text += this.#decoder.decode(part, { stream: true });
      text += this.#decoder.decode(rest);
    } catch (cause) {
      throw new SyntaxError(
        `${place}: expected UTF-8, got other bytes, say the encoding (option encoding, --encoding windows-1252)`,
        { cause },
      );
    }
    this.#start = [];
    this.#startLength = 0;
    if (text.length > MAX_LINE) this.#refuseLong(`${text.length}`);
    if (text.trim() === "") return;
    this.#rows.add(fieldsOf(parseJson(text, place), place), this.#line);
  }

  #refuseLong(got: string): never {
    throw new SyntaxError(
      `Cannot read ${this.#name}: line ${
        Math.max(1, this.#line)
      }: expected at most ${MAX_LINE} characters, got ${got}`,
    );
  }
}

/**
 * Reader of JSON lines.
 *
 * @module
 */

import { ObjectRows } from "../columns/object_rows.ts";
import { LineSplitter } from "../line_splitter.ts";
import type { RawTable, ReadTableOptions } from "../raw_table.ts";
import { fieldsOf, parseJson } from "./json.ts";

/**
 * Reader of JSON lines in UTF-8 that come in pieces. Where a column has texts after numbers, the
 * text is to be given a second time.
 */
export class JsonLinesReader {
  readonly #name: string;
  readonly #options: ReadTableOptions;
  #rows: ObjectRows;
  #lines: LineSplitter;

  /** Starts a table that messages call `name`. */
  constructor(name: string, options: ReadTableOptions) {
    this.#name = name;
    this.#options = options;
    this.#rows = new ObjectRows(name, options, "line");
    this.#lines = this.#newLines();
  }

  /**
   * Reads the next piece.
   *
   * @throws {SyntaxError} If a line is no JSON object.
   */
  push(piece: Uint8Array): void {
    this.#lines.push(piece);
  }

  /**
   * Ends the text. Gives the table, or `undefined` if the text is to be given again.
   *
   * @throws {SyntaxError | RangeError} If the text is no such table.
   */
  end(): RawTable | undefined {
    this.#lines.end();
    const { mixedColumns } = this.#rows;
    if (mixedColumns === undefined) return this.#rows.finish();
    this.#rows = new ObjectRows(this.#name, this.#options, "line", mixedColumns);
    this.#lines = this.#newLines();
    return undefined;
  }

  #newLines(): LineSplitter {
    return new LineSplitter(this.#name, (text, line) => {
      if (text.trim() === "") return;
      const place = `Cannot read ${this.#name}: line ${line}`;
      this.#rows.add(fieldsOf(parseJson(text, place), place), line);
    });
  }
}

/**
 * Reader of text tables: CSV and its kin.
 *
 * @module
 */

import type { RawTable } from "../raw_table.ts";
import { checkCsvOptions, type CsvOptions, scannerOptions } from "./csv_options.ts";
import { CsvTable } from "./csv_table.ts";
import { CsvScanner } from "./scanner.ts";

/**
 * Reader of a text table in UTF-8 that comes in pieces. Where a column has texts after numbers, the
 * text is to be given a second time.
 */
export class CsvReader {
  readonly #options: CsvOptions;
  #textColumns: ReadonlySet<number> = new Set();
  #table: CsvTable | undefined;
  #scanner: CsvScanner | undefined;

  /**
   * Starts a table.
   *
   * @throws {TypeError} If an option is wrong.
   */
  constructor(options: CsvOptions) {
    this.#options = options;
    checkCsvOptions(options);
  }

  /** Reads the next piece, of which the first should have the first lines. */
  push(piece: Uint8Array): void {
    this.#scanner ??= this.#begin(piece);
    this.#scanner.push(piece);
  }

  /**
   * Ends the text. Gives the table, or `undefined` if the text is to be given again.
   *
   * @throws {SyntaxError | RangeError | TypeError} If the text is no such table.
   */
  end(): RawTable | undefined {
    const scanner = this.#scanner ??= this.#begin(new Uint8Array(0));
    scanner.end();
    const table = this.#table;
    const mixed = table?.mixedColumns;
    this.#scanner = this.#table = undefined;
    if (mixed === undefined) return table?.finish();
    this.#textColumns = mixed;
    return undefined;
  }

  #begin(start: Uint8Array): CsvScanner {
    const options = this.#options;
    const { name, size = 0 } = options;
    this.#table = new CsvTable({
      name,
      textColumns: this.#textColumns,
      expectedRows: (rows) => {
        const { rowBytes = 0 } = this.#scanner ?? {};
        return rowBytes === 0 ? 0 : Math.ceil(1.05 * rows * (size / rowBytes));
      },
    }, options);
    return new CsvScanner(this.#table, scannerOptions(start, options));
  }
}

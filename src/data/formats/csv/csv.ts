/**
 * Reader of text tables: CSV and its kin.
 *
 * @module
 */

import type { RawTable, ReadTableOptions } from "../raw_table.ts";
import { COMMA, POINT, QUOTE } from "./characters.ts";
import { CsvTable } from "./csv_table.ts";
import { delimiterOf, sepLine } from "./delimiter.ts";
import { CsvScanner } from "./scanner.ts";

const ENCODER = new TextEncoder();

/** Options of a text table, with what its file tells. */
export interface CsvOptions extends ReadTableOptions {
  /** Name of the table in messages. */
  readonly name: string;
  /** Bytes of the text, where they are known. */
  readonly size?: number;
  /** Delimiter unless the options or the first line have another; `undefined` to look for it. */
  readonly usualDelimiter?: string;
  /** Bytes that are quotes. Default: `"`. */
  readonly quotes?: readonly number[];
  /** Lines of the file that come before the text. Default: 0. */
  readonly linesBefore?: number;
}

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
    const { name, delimiter, decimal = ".", comment, skipRows = 0 } = options;
    if (delimiter !== undefined && (delimiter === "" || /["\r\n]/.test(delimiter))) {
      throw new TypeError(
        `Cannot read ${name}: expected a delimiter without quotes and line ends, got ${
          JSON.stringify(delimiter)
        }`,
      );
    }
    if (decimal !== "." && decimal !== ",") {
      throw new TypeError(
        `Cannot read ${name}: expected the decimal separator "." or ",", got ${
          JSON.stringify(decimal)
        }`,
      );
    }
    if (delimiter === decimal) {
      throw new TypeError(
        `Cannot read ${name}: expected a delimiter other than the decimal separator, got ${
          JSON.stringify(delimiter)
        } for both`,
      );
    }
    if (comment === "" || (comment !== undefined && /^["\s]/.test(comment))) {
      throw new TypeError(
        `Cannot read ${name}: expected a comment mark without quotes and blanks, got ${
          JSON.stringify(comment)
        }`,
      );
    }
    if (!Number.isSafeInteger(skipRows) || skipRows < 0) {
      throw new RangeError(
        `Cannot read ${name}: expected a number of lines to skip from 0, got ${skipRows}`,
      );
    }
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
    const { name, size = 0, decimal = ".", comment, skipRows = 0 } = options;
    const sep = skipRows === 0 ? sepLine(start) : undefined;
    const found = options.delimiter ?? sep ?? delimiterOf(start, options);
    this.#table = new CsvTable({
      name,
      textColumns: this.#textColumns,
      expectedRows: (rows) => {
        const { rowBytes = 0 } = this.#scanner ?? {};
        return rowBytes === 0 ? 0 : Math.ceil(1.05 * rows * (size / rowBytes));
      },
    }, options);
    return new CsvScanner(this.#table, {
      name,
      delimiter: found === "blank" ? undefined : ENCODER.encode(found),
      decimal: decimal === "." ? POINT : COMMA,
      comment: comment === undefined ? undefined : ENCODER.encode(comment),
      skipRows: sep === undefined ? skipRows : 1,
      quotes: options.quotes ?? [QUOTE],
      linesBefore: options.linesBefore ?? 0,
    });
  }
}

/**
 * Options of text tables.
 *
 * @module
 */

import type { ReadTableOptions } from "../raw_table.ts";
import { COMMA, POINT, QUOTE } from "./characters.ts";
import { delimiterOf, sepLine } from "./delimiter.ts";
import type { ScannerOptions } from "./field_sink.ts";

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
 * Checks the options of a text table.
 *
 * @throws {TypeError | RangeError} If one is wrong.
 */
export function checkCsvOptions(options: CsvOptions): void {
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

/**
 * Gives the options of the scanner of a text table, from its own and from its first lines.
 *
 * @throws {SyntaxError} If the first line has another delimiter more often than the usual one.
 */
export function scannerOptions(start: Uint8Array, options: CsvOptions): ScannerOptions {
  const { name, decimal = ".", comment, skipRows = 0 } = options;
  const sep = skipRows === 0 ? sepLine(start) : undefined;
  const found = options.delimiter ?? sep ?? delimiterOf(start, options);
  return {
    name,
    delimiter: found === "blank" ? undefined : ENCODER.encode(found),
    decimal: decimal === "." ? POINT : COMMA,
    comment: comment === undefined ? undefined : ENCODER.encode(comment),
    skipRows: sep === undefined ? skipRows : 1,
    quotes: options.quotes ?? [QUOTE],
    linesBefore: options.linesBefore ?? 0,
  };
}

/**
 * Columns of texts that are numbers in part, or in another spelling.
 *
 * @module
 */

import type { RawColumn, RawTable } from "../formats/raw_table.ts";
import { cellError } from "./cell_reader.ts";
import type { ColumnParts } from "./column_values.ts";
import { numberOfText, quoted, shownName } from "./names.ts";

/** Text in a column where as many values or more are numbers. */
export interface OddText {
  readonly table: RawTable;
  readonly column: RawColumn;
  readonly row: number;
  readonly text: string;
  /** Number of values that are numbers. */
  readonly numbers: number;
}

/**
 * Finds the first text in a column where half of the values or more are numbers.
 *
 * @param tables Table of each part.
 */
export function findOddText(parts: ColumnParts, tables: readonly RawTable[]): OddText | undefined {
  let numbers = 0, texts = 0;
  let odd: Omit<OddText, "numbers"> | undefined;
  for (const [i, column] of parts.entries()) {
    const { codes = [], texts: names = [] } = column;
    numbers += column.numbers?.reduce((sum, x) => Number.isNaN(x) ? sum : sum + 1, 0) ?? 0;
    const areNumbers = names.map((text) => numberOfText(text) !== undefined);
    codes.forEach((code, row) => {
      if (code < 0) return;
      if (areNumbers[code]) return numbers++;
      texts++;
      const table = tables[i];
      if (table) odd ??= { table, column, row, text: names[code] ?? "" };
    });
  }
  return odd === undefined || numbers < texts ? undefined : { ...odd, numbers };
}

/**
 * Checks a column that has texts: where half of the values or more are numbers, the texts are
 * mistakes.
 *
 * @param tables Table of each part.
 * @throws {SyntaxError} If as many values are numbers. The message names the first text and its
 * place.
 */
export function checkNoNumbers(parts: ColumnParts, tables: readonly RawTable[]): void {
  const odd = findOddText(parts, tables);
  if (odd === undefined) return;
  const { table, column, row, text } = odd;
  throw cellError(
    table,
    column,
    row,
    "a number as other rows have",
    `${
      quoted(text)
    }, correct it, take it for missing (--missing-values) or say that the column has categories (--categories)`,
  );
}

const DECIMAL_COMMA = /^[+-]?\d+(?:[. ']\d{3})*,\d+$/;

/**
 * Refuses a column of texts where half of the values or more are numbers with a comma.
 *
 * @param where Start of the message, such as `Cannot use ward.csv`.
 * @param counts Rows by text.
 * @param otherwise Words on what to do if the texts are right.
 * @throws {RangeError} If as many are. The message names the first.
 */
export function checkNoDecimalCommas(
  where: string,
  name: string,
  counts: ReadonlyMap<string, number>,
  otherwise: string,
): void {
  let first: string | undefined;
  let commas = 0, others = 0;
  for (const [text, count] of counts) {
    if (DECIMAL_COMMA.test(text)) {
      first ??= text;
      commas += count;
    } else if (numberOfText(text) === undefined) others += count;
  }
  if (first === undefined || commas < others) return;
  throw new RangeError(
    `${where}: expected numbers with a point in column ${shownName(name)}, got ${
      quoted(first)
    }, say that they have a decimal comma (--decimal ,) or ${otherwise}`,
  );
}

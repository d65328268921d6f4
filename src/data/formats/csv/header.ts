/**
 * Decision whether the first line of a text table is a header.
 *
 * @module
 */

import { quoted, shownNames } from "../../schema/names.ts";
import type { ColumnBuilder } from "../columns/column_builder.ts";
import { numberOf } from "../columns/number_text.ts";

/** First line of a table, and what is below it. */
export interface FirstLine {
  /** Name of the table in messages. */
  readonly name: string;
  /** Number of the line. */
  readonly line: number;
  readonly cells: readonly string[];
  readonly missing: ReadonlySet<string>;
  /** Columns without the first line; `undefined` for one that is not read. */
  readonly builders: readonly (ColumnBuilder | undefined)[];
}

/** Numbers of a first line from which it is taken for a header where they count up. */
const MANY = 3;

/**
 * Returns true if the first line of a table is a header.
 *
 * A line without numbers is one, unless a text of it is also a value below in its column. A line
 * with numbers is one if they count up, as where columns are named by their place.
 *
 * @throws {SyntaxError} If the line may be a header or a row, or is neither.
 */
export function isHeader(first: FirstLine): boolean {
  const { cells, missing, builders } = first;
  const values = cells.map(numberOf);
  const numbers = values.filter((value) => !Number.isNaN(value));
  const texts = Array.from(cells.keys()).filter((i) =>
    Number.isNaN(values[i]) && !missing.has(cells[i] ?? "")
  );
  const aboveNumbers = texts.filter((i) => builders[i]?.kind === "number");
  const recurs = texts.some((i) => builders[i]?.hasText(cells[i] ?? ""));
  if (numbers.length === 0) {
    if (aboveNumbers.length > 0) return true;
    if (texts.length === 0 || recurs) refuseDoubt(first);
    return true;
  }
  const start = numbers[0] ?? NaN;
  const countsUp = numbers.every((value, i) => value === start + i);
  const isUnnamedIndex = cells[0] === "" && numbers.length === cells.length - 1;
  if (texts.length === 0) {
    if (!countsUp || start !== 0) return false;
    if (isUnnamedIndex) return true;
    if (numbers.length < cells.length || numbers.length === 1) return false;
    if (numbers.length < MANY) refuseDoubt(first);
    return true;
  }
  const areNames = countsUp && texts.length + numbers.length === cells.length;
  if (texts.length === 1 && areNames && !recurs) {
    if (aboveNumbers.length === 1 && numbers.length > 1) return true;
    if (aboveNumbers.length === 0 && start === 0 && numbers.length > 1) {
      if (numbers.length < MANY) refuseDoubt(first);
      return true;
    }
  }
  const [odd] = aboveNumbers;
  if (odd !== undefined) refuseNeither(first, odd);
  return false;
}

function refuseDoubt({ name, line, cells }: FirstLine): never {
  throw new SyntaxError(
    `Cannot read ${name}: line ${line} (${
      shownNames(cells)
    }) may be a header or a row, say which it is (option header, --header)`,
  );
}

function refuseNeither({ name, line, cells }: FirstLine, odd: number): never {
  throw new SyntaxError(
    `Cannot read ${name}: line ${line} (${shownNames(cells)}), column ${
      odd + 1
    }: expected a number as below or names in all columns, got ${
      quoted(cells[odd] ?? "")
    }, skip the line (option skipRows, --skip-rows) or say that it is a header (option header, --header)`,
  );
}

/**
 * Values of a column, read as a kind.
 *
 * @module
 */

import { numberOf } from "../formats/columns/number_text.ts";
import type { RawColumn, RawTable } from "../formats/raw_table.ts";
import { cannotUse, headerOf } from "./columns.ts";
import { canonicalName, quoted, shownName, toBoolean } from "./names.ts";

/** Reader of the rows of one column; `undefined` stands for a missing value. */
export type CellReader<T> = (row: number) => T | undefined;

/** Makes an error about a cell. */
export function cellError(
  table: RawTable,
  column: RawColumn,
  row: number,
  expected: string,
  got: string,
): SyntaxError {
  const { name } = headerOf(column);
  const label = column.name === undefined ? name : `column ${shownName(name)}`;
  return new SyntaxError(
    `${cannotUse(table)}: ${table.place(row)}, ${label}: expected ${expected}, got ${got}`,
  );
}

/** Reads the different texts of a column once each. */
function readTexts<T>(
  { codes, texts = [] }: RawColumn,
  read: (text: string) => T,
): { codes: Int32Array; values: T[] } {
  return { codes: codes ?? new Int32Array(0), values: texts.map(read) };
}

/**
 * Reads numbers.
 *
 * @returns A reader that throws a `SyntaxError` for a text, or for a number that is not finite.
 */
export function numberReader(table: RawTable, column: RawColumn): CellReader<number> {
  const { numbers } = column;
  const refuse = (row: number, got: string): never => {
    throw cellError(table, column, row, "a finite number", got);
  };
  if (numbers) {
    return (row) => {
      const value = numbers[row] ?? NaN;
      if (Number.isNaN(value)) return undefined;
      return Number.isFinite(value) ? value : refuse(row, `${value}`);
    };
  }
  const { codes, values } = readTexts(column, (text) => numberOf(text.trim()));
  return (row) => {
    const code = codes[row] ?? -1;
    if (code < 0) return undefined;
    const value = values[code] ?? NaN;
    if (Number.isFinite(value)) return value;
    const text = quoted(column.texts?.[code] ?? "");
    const got = `${text}, correct it or take it for missing (--missing-values)`;
    throw cellError(table, column, row, "a number", got);
  };
}

/** Reads categories or classes, in canonical spelling. */
export function nameReader(column: RawColumn): CellReader<string> {
  const { numbers } = column;
  if (!numbers) {
    const { codes, values } = readTexts(column, canonicalName);
    return (row) => values[codes[row] ?? -1];
  }
  const known = new Map<number, string>();
  return (row) => {
    const value = numbers[row] ?? NaN;
    if (Number.isNaN(value)) return undefined;
    let name = known.get(value);
    if (name === undefined) known.set(value, name = canonicalName(value));
    return name;
  };
}

/**
 * Reads true or false.
 *
 * @returns A reader that throws a `SyntaxError` for any other value.
 */
export function booleanReader(table: RawTable, column: RawColumn): CellReader<boolean> {
  const { numbers } = column;
  const refuse = (row: number, got: string): never => {
    throw cellError(table, column, row, "true or false", got);
  };
  if (numbers) {
    return (row) => {
      const value = numbers[row] ?? NaN;
      if (Number.isNaN(value)) return undefined;
      return value === 1 || value === 0 ? value === 1 : refuse(row, `${value}`);
    };
  }
  const { codes, values } = readTexts(column, toBoolean);
  return (row) => {
    const code = codes[row] ?? -1;
    if (code < 0) return undefined;
    return values[code] ?? refuse(row, quoted(column.texts?.[code] ?? ""));
  };
}

/**
 * Last step of reading a table: names are checked, and columns without content are left out.
 *
 * @module
 */

import { quoted } from "../../schema/names.ts";
import type { RawColumn, RawTable } from "../raw_table.ts";
import type { ColumnBuilder } from "./column_builder.ts";
import type { ColumnChoice } from "./column_choice.ts";

/** Table of which all rows have been read. */
export interface ReadRows {
  readonly name: string;
  readonly choice: ColumnChoice;
  /** Names of all columns, where there are names. */
  readonly header: readonly string[] | undefined;
  /** Collectors of the columns; `undefined` for one that is not wanted. */
  readonly builders: readonly (ColumnBuilder | undefined)[];
  /** First row in the collectors, and the one after the last. */
  readonly from: number;
  readonly to: number;
  readonly notes: string[];
  /** Place of a row, counted from `from`. */
  readonly place: (row: number) => string;
}

/**
 * Makes the table.
 *
 * @throws {SyntaxError} If there are no rows, or two columns have one name.
 */
export function finishTable(rows: ReadRows): RawTable {
  const { name, header, builders, from, to, notes, place } = rows;
  if (to <= from) throw new SyntaxError(`Cannot read ${name}: it has a header and no rows`);
  const columns: RawColumn[] = [];
  const indexOf = new Map<string, number>();
  for (const [index, builder] of builders.entries()) {
    if (builder === undefined) continue;
    const title = header?.[index];
    const column = { name: title, index, ...builder.finish(from, to) };
    if (builder.kind === "empty" && title === "") {
      notes.push(`column ${index + 1} has neither a name nor values and is left out`);
      continue;
    }
    if (isRowNumber(column, rows)) {
      notes.push(`column ${index + 1} (${quoted(title ?? "")}) numbers the rows and is left out`);
      continue;
    }
    if (title !== undefined) checkTitle(title, index, indexOf, rows);
    columns.push(column);
  }
  return { name, length: to - from, columns, notes, place };
}

function checkTitle(
  title: string,
  index: number,
  indexOf: Map<string, number>,
  { name }: ReadRows,
): void {
  if (title === "") {
    throw new SyntaxError(
      `Cannot read ${name}: expected a name for column ${
        index + 1
      }, got none, name it or leave it out (option excludeColumns, --exclude-columns ${index})`,
    );
  }
  const other = indexOf.get(title);
  if (other !== undefined) {
    throw new SyntaxError(
      `Cannot read ${name}: columns ${other + 1} and ${index + 1} are both named ${
        quoted(title)
      }, rename one or leave it out (option excludeColumns, --exclude-columns ${index})`,
    );
  }
  indexOf.set(title, index);
}

/** Returns true for the first column if it is the index that pandas or R write. */
function isRowNumber(
  { name, index = 0, numbers }: RawColumn,
  { choice, header }: ReadRows,
): boolean {
  if (index !== 0 || name === undefined || numbers === undefined || header?.length === 1) {
    return false;
  }
  if (choice.asksFor(name, index)) return false;
  if (/^(unnamed: 0)?$/i.test(name)) {
    return numbers.every(Number.isInteger) && new Set(numbers).size === numbers.length;
  }
  const [start = NaN] = numbers;
  return /^index$/i.test(name) && (start === 0 || start === 1) &&
    numbers.every((value, row) => value === start + row);
}

import {
  type MissingMarks,
  MOST_MARKS,
  MOST_NAME_LENGTH,
} from "../../wire/messages/statistics_request.ts";
import type { RawTable } from "../formats/raw_table.ts";
import { headerOf } from "../schema/columns.ts";
import { canonicalMarks, withMarksMissing } from "../schema/missing_marks.ts";
import { quoted } from "../schema/names.ts";
import type { SchemaOptions } from "../schema/options.ts";

/**
 * Lists the marks of options for a survey: those of all columns, then those of single ones.
 *
 * @throws {RangeError} If there are more than a request may have, or one is too long.
 */
export function marksOf(
  { missingValues = [], missingValuesOf = {} }: SchemaOptions,
): MissingMarks[] {
  const marks: MissingMarks[] = [
    { values: canonicalMarks(missingValues) },
    ...Object.entries(missingValuesOf).map(([column, texts]) => ({
      column,
      values: canonicalMarks(texts),
    })),
  ];
  for (const { values } of marks) {
    const long = values.find((value) => value.length > MOST_NAME_LENGTH);
    if (values.length <= MOST_MARKS && long === undefined) continue;
    throw new RangeError(
      `Cannot ask for figures: expected at most ${MOST_MARKS} missing values of a column (--missing-values), each of at most ${MOST_NAME_LENGTH} characters, got ${
        long === undefined ? values.length : quoted(long)
      }`,
    );
  }
  return marks.filter(({ values }) => values.length > 0);
}

/** Last marked form of a table, which several questions are about. */
const MARKED = new WeakMap<RawTable, { readonly key: string; readonly marked: RawTable }>();

/** Returns a table in which the values that a survey takes for missing ones are missing. */
export function markedTable(table: RawTable, marks: readonly MissingMarks[]): RawTable {
  if (marks.length === 0) return table;
  const key = JSON.stringify(marks);
  const known = MARKED.get(table);
  if (known?.key === key) return known.marked;
  const columns = table.columns.map((column) => {
    const { name } = headerOf(column);
    const values = marks.filter((one) => one.column === undefined || one.column === name)
      .flatMap(({ values }) => values);
    return withMarksMissing(column, values);
  });
  const marked = { ...table, columns, place: (row: number) => table.place(row) };
  MARKED.set(table, { key, marked });
  return marked;
}

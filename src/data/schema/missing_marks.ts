/**
 * Values of a column that stand for a missing one.
 *
 * @module
 */

import { MISSING_VALUES, type RawColumn } from "../formats/raw_table.ts";
import { parseCondition } from "./condition.ts";
import { canonicalName } from "./names.ts";
import type { SchemaOptions } from "./options.ts";
import type { Schema } from "./schema.ts";

/** Lists the values that options declare as missing ones of a column, in canonical spelling. */
export function markedValues(
  name: string,
  { missingValues = [], missingValuesOf = {} }: SchemaOptions,
): string[] {
  const own = Object.hasOwn(missingValuesOf, name) ? missingValuesOf[name] ?? [] : [];
  const known = new Set(MISSING_VALUES);
  const texts = [...missingValues, ...own].map((text) => text.trim());
  return [...new Set(texts.filter((text) => !known.has(text)).map(canonicalName))];
}

/** Returns the columns that have marked values by a schema, with these missing, by name. */
export function withMarks(
  { inputs, target }: Schema,
  columnOf: (name: string) => RawColumn | undefined,
): ReadonlyMap<string, RawColumn> {
  const marks: readonly (readonly [name: string, values: readonly string[] | undefined])[] = [
    ...inputs.map((input) =>
      [input.name, "missing" in input ? input.missing?.values : undefined] as const
    ),
    ...(target.task === "regression"
      ? target.outputs.map(({ name, missingValues }) => [name, missingValues] as const)
      : target.task === "classification" && target.from !== undefined
      ? [[parseCondition(target.from).column, target.missingValues] as const]
      : []),
  ];
  const marked = new Map<string, RawColumn>();
  for (const [name, values] of marks) {
    const column = values && columnOf(name);
    if (column) marked.set(name, withMarksMissing(column, values));
  }
  return marked;
}

/** Returns a column in which the marked values are missing. */
function withMarksMissing(column: RawColumn, marked: readonly string[]): RawColumn {
  const names = new Set(marked.map(canonicalName));
  if (column.numbers) {
    const numbers = new Set([...names].map(Number));
    return { ...column, numbers: column.numbers.map((x) => numbers.has(x) ? NaN : x) };
  }
  const areMarked = column.texts?.map((text) => names.has(canonicalName(text))) ?? [];
  return {
    ...column,
    codes: (column.codes ?? new Int32Array(0)).map((k) => areMarked[k] ? -1 : k),
  };
}

/**
 * Values of a column that stand for a missing one.
 *
 * @module
 */

import { numberOf } from "../formats/columns/number_text.ts";
import { MISSING_VALUES, type RawColumn } from "../formats/raw_table.ts";
import { parseCondition } from "./condition.ts";
import { canonicalName } from "./names.ts";
import type { SchemaOptions } from "./options.ts";
import type { Schema } from "./schema.ts";

/** Returns marks in canonical spelling, each once, sorted, without those that all readers know. */
export function canonicalMarks(texts: readonly string[]): string[] {
  const known = new Set(MISSING_VALUES);
  const own = texts.map((text) => text.trim()).filter((text) => !known.has(text));
  return [...new Set(own.map(canonicalName))].sort();
}

/** Lists the values that options declare as missing ones of a column, in canonical spelling. */
export function markedValues(
  name: string,
  { missingValues = [], missingValuesOf = {} }: SchemaOptions,
): string[] {
  const own = Object.hasOwn(missingValuesOf, name) ? missingValuesOf[name] ?? [] : [];
  return canonicalMarks([...missingValues, ...own]);
}

/** Returns the columns that have marked values by a schema, with these missing, by name. */
export function withMarks(
  { inputs, target }: Schema,
  columnOf: (name: string) => RawColumn | undefined,
): ReadonlyMap<string, RawColumn> {
  const marked = new Map<string, RawColumn>();
  const mark = (name: string, values: readonly string[] = [], isNumber = false) => {
    const column = values.length > 0 ? columnOf(name) : undefined;
    if (column) marked.set(name, withMarksMissing(column, values, isNumber));
  };
  for (const input of inputs) {
    if (!("shape" in input)) mark(input.name, input.missing?.values, input.kind === "number");
  }
  switch (target.task) {
    case "classification": {
      const { name, from, missingValues } = target;
      mark(from === undefined ? name : parseCondition(from).column, missingValues);
      break;
    }
    case "multi-label":
      for (const label of target.labels) mark(label, target.missingValues);
      break;
    case "regression":
      for (const { name, missingValues } of target.outputs) mark(name, missingValues, true);
  }
  return marked;
}

/**
 * Returns a column in which the marked values are missing. Numbers are compared as numbers, texts
 * in canonical spelling.
 *
 * @param isNumber True if texts of the column stand for numbers, so that 007 is 7.
 */
export function withMarksMissing(
  column: RawColumn,
  marked: readonly string[],
  isNumber = false,
): RawColumn {
  if (marked.length === 0) return column;
  const numbers = new Set(marked.map((text) => numberOf(text.trim())));
  // A mark that spells no number is none here; NaN is missing in any case.
  numbers.delete(NaN);
  if (column.numbers) {
    if (!column.numbers.some((x) => numbers.has(x))) return column;
    return { ...column, numbers: column.numbers.map((x) => numbers.has(x) ? NaN : x) };
  }
  const names = new Set(marked.map(canonicalName));
  const areMarked = (column.texts ?? []).map((text) =>
    names.has(canonicalName(text)) || (isNumber && numbers.has(numberOf(text.trim())))
  );
  if (!areMarked.includes(true)) return column;
  return {
    ...column,
    codes: (column.codes ?? new Int32Array(0)).map((code) => areMarked[code] ? -1 : code),
  };
}

/**
 * Conversion of columns into targets.
 *
 * @module
 */

import type { RawColumn, RawTable } from "../formats/raw_table.ts";
import { shareableFloats, shareableInts } from "../shareable.ts";
import { booleanReader, cellError, nameReader, numberReader } from "./cell_reader.ts";
import { cannotUse, type MatchedColumns, targetColumns } from "./columns.ts";
import { type Condition, holdsFor, parseCondition } from "./condition.ts";
import { canonicalName, shownNames } from "./names.ts";
import type {
  ClassificationTarget,
  MultiLabelTarget,
  RegressionTarget,
  TargetSchema,
} from "./schema.ts";

/** Arranges the targets of rows, in the form that `Dataset.targets` describes. */
export function arrangeTarget(
  target: TargetSchema,
  table: RawTable,
  rows: Uint32Array,
  columns: MatchedColumns,
): Int32Array | Float32Array {
  const [first = ""] = targetColumns(target);
  switch (target.task) {
    case "classification":
      return classNumbers(target, table, rows, columns.get(first));
    case "multi-label":
      return labelValues(target, table, rows, columns);
    case "regression":
      return measures(target, table, rows, columns);
  }
}

function missing(table: RawTable, column: RawColumn, row: number, expected: string): SyntaxError {
  return cellError(
    table,
    column,
    row,
    expected,
    "a missing value, rows without a target may be left out (--missing-target drop)",
  );
}

function classNumbers(
  { classes, from }: ClassificationTarget,
  table: RawTable,
  rows: Uint32Array,
  column: RawColumn,
): Int32Array {
  if (from !== undefined) {
    const holds = conditionReader(parseCondition(from), table, column);
    return shareableInts(Int32Array.from(rows, (row) => holds(row) ? 1 : 0));
  }
  const read = nameReader(column);
  const places = new Map(classes.map((name, i) => [canonicalName(name), i]));
  const unknown = new Map<string, number>();
  const numbers = new Int32Array(rows.length);
  for (const [i, row] of rows.entries()) {
    const name = read(row);
    if (name === undefined) throw missing(table, column, row, "a class");
    const place = places.get(name);
    if (place === undefined && !unknown.has(name)) unknown.set(name, row);
    numbers[i] = place ?? -1;
  }
  if (unknown.size > 0) {
    const [row = 0] = unknown.values();
    throw new RangeError(
      `${cannotUse(table)}: expected the classes ${shownNames(classes)}; got ${
        shownNames([...unknown.keys()])
      } (${table.place(row)})`,
    );
  }
  return shareableInts(numbers);
}

function conditionReader(
  condition: Condition,
  table: RawTable,
  column: RawColumn,
): (row: number) => boolean {
  const { comparison, value } = condition;
  const expected = "a value of the target";
  if (typeof value === "number" && (column.numbers || /[<>]/.test(comparison))) {
    const read = numberReader(table, column);
    return (row) => {
      const x = read(row);
      if (x === undefined) throw missing(table, column, row, expected);
      return holdsFor(x, condition);
    };
  }
  const read = nameReader(column);
  const wanted = canonicalName(value);
  return (row) => {
    const name = read(row);
    if (name === undefined) throw missing(table, column, row, expected);
    return (name === wanted) === (comparison === "==");
  };
}

function labelValues(
  { labels }: MultiLabelTarget,
  table: RawTable,
  rows: Uint32Array,
  columns: MatchedColumns,
): Float32Array {
  const values = shareableFloats(rows.length * labels.length);
  labels.forEach((label, k) => {
    const column = columns.get(label);
    const read = booleanReader(table, column);
    rows.forEach((row, i) => {
      const value = read(row);
      if (value === undefined) throw missing(table, column, row, "true or false");
      values[i * labels.length + k] = value ? 1 : 0;
    });
  });
  return values;
}

function measures(
  { outputs }: RegressionTarget,
  table: RawTable,
  rows: Uint32Array,
  columns: MatchedColumns,
): Float32Array {
  const values = shareableFloats(rows.length * outputs.length);
  outputs.forEach(({ name, standardize }, k) => {
    const column = columns.get(name);
    const read = numberReader(table, column);
    const { mean = 0, deviation = 1 } = standardize ?? {};
    rows.forEach((row, i) => {
      const value = read(row);
      if (value === undefined) throw missing(table, column, row, "a number");
      const measure = Math.fround(deviation === 0 ? 0 : (value - mean) / deviation);
      if (!Number.isFinite(measure)) {
        throw cellError(table, column, row, "a number that a 32-bit float holds", `${value}`);
      }
      values[i * outputs.length + k] = measure;
    });
  });
  return values;
}

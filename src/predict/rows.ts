/**
 * Rows that are given as objects or lists.
 *
 * @module
 */

import type { RawTable } from "../data/formats/raw_table.ts";
import { arrayInputIn } from "../data/schema/arrange_places.ts";
import { schemaWidth } from "../data/schema/features.ts";
import type { Schema } from "../data/schema/schema.ts";
import { type CellValue, tableOf } from "../data/schema/table_of.ts";

/**
 * Row of a table: values by the names of the columns, or a list of values in the order of the
 * schema's inputs; of features, where the schema has no columns.
 */
export type Row = Readonly<Record<string, CellValue>> | readonly CellValue[] | Float32Array;

/** Name of the table in messages. */
const ROWS = "the rows";

/**
 * Makes a table from rows.
 *
 * @throws {RangeError} If rows are lists of another length than the schema has inputs.
 */
export function tableOfRows(rows: readonly Row[], schema: Schema): RawTable {
  const lists = rows.filter((row) => Array.isArray(row) || row instanceof Float32Array);
  const isOfArrays = arrayInputIn(schema) !== undefined;
  if (lists.length === 0 && !isOfArrays) {
    const names = new Set(rows.flatMap((row) => Object.keys(row)));
    const of = rows as readonly Readonly<Record<string, CellValue>>[];
    return tableOf(
      ROWS,
      Object.fromEntries(
        Array.from(names, (name) => [name, of.map((row) => row[name])]),
      ),
    );
  }
  const columns = isOfArrays ? schemaWidth(schema) : schema.inputs.length;
  const wrong = rows.findIndex((row) =>
    (Array.isArray(row) || row instanceof Float32Array ? row.length : -1) !== columns
  );
  if (wrong >= 0) {
    const row = rows[wrong];
    throw new RangeError(
      `Cannot use ${ROWS}: expected lists of ${columns} values, got ${
        row && "length" in row ? `${row.length} values` : "an object"
      } in row ${wrong + 1}`,
    );
  }
  const values = Array.from(
    { length: columns },
    (_, i) => lists.map((row) => (row as readonly CellValue[])[i]),
  );
  if (isOfArrays) return tableOf(ROWS, values);
  return tableOf(
    ROWS,
    Object.fromEntries(schema.inputs.map(({ name }, i) => [name, values[i] ?? []])),
  );
}

/**
 * Tables from arrays in memory.
 *
 * @module
 */

import type { RawColumn, RawTable } from "../formats/raw_table.ts";
import { numberOfText } from "./names.ts";

/** Value of a cell; `null`, `undefined` and `NaN` stand for a missing one. */
export type CellValue = number | string | boolean | null | undefined;

/** Makes a column, with `numbers` if all values that are not missing are numbers. */
export function columnOf(
  name: string | undefined,
  index: number,
  values: readonly CellValue[],
): RawColumn {
  const isMissing = (value: CellValue) =>
    value === null || value === undefined || Number.isNaN(value);
  const numbers = Float64Array.from(values, (value) => {
    if (isMissing(value)) return NaN;
    return typeof value === "number" ? value : numberOfText(`${value}`) ?? NaN;
  });
  if (values.every((value, i) => isMissing(value) || !Number.isNaN(numbers[i] ?? NaN))) {
    return { name, index, numbers };
  }
  const places = new Map<string, number>();
  const codes = Int32Array.from(values, (value) => {
    if (isMissing(value)) return -1;
    const text = `${value}`;
    const place = places.get(text) ?? places.size;
    places.set(text, place);
    return place;
  });
  return { name, index, codes, texts: [...places.keys()] };
}

/**
 * Makes a table from the values of its columns, all of one length.
 *
 * @param name Name of the table in messages.
 * @param columns Values by the name of the column; a list of columns for a table without names.
 * @throws {RangeError} If the columns differ in length.
 */
export function tableOf(
  name: string,
  columns: Readonly<Record<string, readonly CellValue[]>> | readonly (readonly CellValue[])[],
): RawTable {
  const named: [string | undefined, readonly CellValue[]][] = Array.isArray(columns)
    ? columns.map((values) => [undefined, values])
    : Object.entries(columns);
  const length = named[0]?.[1].length ?? 0;
  const other = named.find(([, values]) => values.length !== length);
  if (other) {
    throw new RangeError(
      `Cannot make the table ${name}: expected columns of ${length} values, got ${other[1].length}`,
    );
  }
  return {
    name,
    length,
    columns: named.map(([name, values], i) => columnOf(name, i, values)),
    notes: [],
    place: (row) => `row ${row + 1}`,
  };
}

/** Copies rows of a table, in the given order. */
export function selectRows(table: RawTable, rows: Uint32Array): RawTable {
  const { files } = table;
  return {
    name: table.name,
    length: rows.length,
    columns: table.columns.map(({ name, index, numbers, codes, texts }) => ({
      ...{ name, index },
      ...(numbers && { numbers: Float64Array.from(rows, (row) => numbers[row] ?? NaN) }),
      ...(codes && { codes: Int32Array.from(rows, (row) => codes[row] ?? -1) }),
      ...(texts && { texts }),
    })),
    notes: table.notes,
    ...(files && { files: { names: files.names, of: (row) => files.of(rows[row] ?? row) } }),
    place: (row) => table.place(rows[row] ?? row),
  };
}

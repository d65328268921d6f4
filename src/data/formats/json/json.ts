/**
 * Reader of tables in one JSON text.
 *
 * @module
 */

import { errorMessage } from "../../../base/errors.ts";
import { isRecord } from "../../../base/json.ts";
import { ObjectRows, typeName } from "../columns/object_rows.ts";
import type { RawTable, ReadTableOptions } from "../raw_table.ts";

type Json = Readonly<Record<string, unknown>>;
type Rows = Iterable<Iterable<readonly [string, unknown]>>;

/** Parses JSON. `place` begins the message of its `SyntaxError`. */
export function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`${place}: ${errorMessage(cause)}`, { cause });
  }
}

/** Gives the name and value of each field of a row. */
export function fieldsOf(row: unknown, place: string): [string, unknown][] {
  if (isRecord(row)) return Object.entries(row);
  throw new SyntaxError(`${place}: expected an object, got ${typeName(row)}`);
}

/** Rows of an array of objects. */
function* records(values: readonly unknown[], name: string): Rows {
  for (const [row, value] of values.entries()) {
    yield fieldsOf(value, `Cannot read ${name}: row ${row + 1}`);
  }
}

/** Rows of an object of columns, each an array or an object by the label of the row. */
function* columns(value: Json, name: string): Rows {
  const entries = Object.entries(value);
  const [first] = entries;
  if (first === undefined) return;
  const keys = isRecord(first[1]) ? Object.keys(first[1]) : undefined;
  const length = keys?.length ?? (Array.isArray(first[1]) ? first[1].length : 0);
  const getters = entries.map(([title, values]) => {
    const place = `Cannot read ${name}: column ${JSON.stringify(title)}`;
    const count = Array.isArray(values)
      ? values.length
      : isRecord(values)
      ? Object.keys(values).length
      : undefined;
    if (count === undefined || Array.isArray(values) === (keys !== undefined)) {
      throw new SyntaxError(
        `${place}: expected ${keys ? "an object of values" : "an array"}, got ${typeName(values)}`,
      );
    }
    if (count !== length) {
      throw new SyntaxError(`${place}: expected ${length} values as in the first, got ${count}`);
    }
    const get = Array.isArray(values)
      ? (row: number) => values[row]
      : (row: number) => (values as Json)[keys?.[row] ?? ""];
    return [title, get] as const;
  });
  for (let row = 0; row < length; row++) {
    yield getters.map(([title, get]) => [title, get(row)] as const);
  }
  // Names count even where there are no rows.
  if (length === 0) yield [];
}

/** Rows of an object with the names of the columns and an array for each row (`orient="split"`). */
function* split(titles: readonly unknown[], data: readonly unknown[], name: string): Rows {
  for (const [row, values] of data.entries()) {
    if (!Array.isArray(values) || values.length !== titles.length) {
      throw new SyntaxError(
        `Cannot read ${name}: row ${row + 1}: expected ${titles.length} values, got ${
          Array.isArray(values) ? values.length : typeName(values)
        }`,
      );
    }
    yield titles.map((title, i) => [`${title}`, values[i]] as const);
  }
}

/** Rows of LEAF's JSON: the features and labels of each user. */
function* leaf(userData: Json, name: string): Rows {
  for (const [user, data] of Object.entries(userData)) {
    const place = `Cannot read ${name}: user ${JSON.stringify(user)}`;
    const { x, y } = isRecord(data) ? data : {};
    if (!Array.isArray(x) || !Array.isArray(y) || x.length !== y.length) {
      throw new SyntaxError(`${place}: expected as many features x as labels y`);
    }
    for (const [row, features] of x.entries()) {
      const cells = Array.isArray(features)
        ? features.map((value, i) => [`x${i}`, value] as const)
        : [["x", features] as const];
      yield [["user", user], ...cells, ["y", y[row]]];
    }
  }
}

function rowsOf(value: unknown, name: string): Rows {
  if (Array.isArray(value)) return records(value, name);
  if (!isRecord(value)) {
    throw new SyntaxError(
      `Cannot read ${name}: expected an array of objects or an object of columns, got ${
        typeName(value)
      }`,
    );
  }
  if (isRecord(value.user_data) && Array.isArray(value.users)) return leaf(value.user_data, name);
  if (Array.isArray(value.data)) {
    if (Array.isArray(value.columns)) return split(value.columns, value.data, name);
    if (isRecord(value.schema)) return records(value.data, name);
  }
  return columns(value, name);
}

/**
 * Reads a table in one JSON text: an array of objects, an object of columns, each an array or an
 * object (`DataFrame.to_json()`), the form `orient="split"` of pandas, or that of LEAF with the
 * columns `user`, `x0`, `x1` … and `y`.
 *
 * @throws {SyntaxError} If the text is no JSON, or no such table.
 * @throws {SyntaxError | RangeError} If it lacks a column that the options name.
 */
export function readJson(text: string, name: string, options: ReadTableOptions): RawTable {
  const value = parseJson(text.replace(/^\uFEFF/, ""), `Cannot read ${name}`);
  const read = (textColumns?: ReadonlySet<number>) => {
    const rows = new ObjectRows(name, options, "row", textColumns);
    let number = 0;
    for (const row of rowsOf(value, name)) rows.add(row, ++number);
    return rows;
  };
  const rows = read();
  const { mixedColumns } = rows;
  return (mixedColumns ? read(mixedColumns) : rows).finish();
}

/**
 * Several tables as one.
 *
 * @module
 */

import { headerOf } from "../schema/columns.ts";
import { canonicalName, shownName, shownNames } from "../schema/names.ts";
import type { RawColumn, RawTable } from "./raw_table.ts";

/** Parts of one column, one for each table. */
type Parts = readonly RawColumn[];

/**
 * Joins the rows of tables with the same columns: by name, in the order of the first table, or by
 * place where no table has a header.
 *
 * @throws {RangeError} If the tables differ in their columns. The message names the first
 * difference.
 */
export function joinTables(tables: readonly RawTable[]): RawTable {
  const [first, ...others] = tables;
  if (first === undefined) throw new RangeError("Cannot join tables: expected one, got none");
  if (others.length === 0) return first;
  const parts = first.columns.map((column, place) =>
    tables.map((table) => partnerOf(column, place, first, table))
  );
  for (const table of others) checkNoMore(first, table);
  const starts: number[] = [];
  let length = 0;
  for (const table of tables) {
    starts.push(length);
    length += table.length;
  }
  const fileOf = (row: number) => starts.findLastIndex((start) => start <= row);
  return {
    name: first.name,
    length,
    files: { names: tables.map(({ name }) => name), of: fileOf },
    columns: parts.map((column) => joined(column, length)),
    notes: tables.flatMap(({ name, notes }) => notes.map((note) => `${name}: ${note}`)),
    place: (row) => {
      const index = fileOf(row);
      const table = tables[index] ?? first;
      const place = table.place(row - (starts[index] ?? 0));
      return table === first ? place : `${place} of ${table.name}`;
    },
  };
}

function plain(column: RawColumn): string {
  return headerOf(column).name;
}

function partnerOf(column: RawColumn, place: number, first: RawTable, table: RawTable): RawColumn {
  if (table === first) return column;
  const where = `Cannot use ${table.name} beside ${first.name}`;
  const isNamed = column.name !== undefined;
  const other = table.columns.find((one) => one.name !== undefined);
  if (isNamed !== (other !== undefined)) {
    throw new RangeError(
      `${where}: expected ${isNamed ? "a header" : "no header"} as there, got ${
        isNamed ? "none" : "one"
      } (option header, --header)`,
    );
  }
  const found = isNamed
    ? table.columns.find((one) => plain(one) === plain(column))
    : table.columns[place];
  if (found === undefined) {
    throw new RangeError(
      isNamed
        ? `${where}: expected the column ${shownName(plain(column))}, got ${
          shownNames(table.columns.map(plain))
        }`
        : `${where}: expected ${first.columns.length} columns, got ${table.columns.length}`,
    );
  }
  const [unit, got] = [headerOf(column).unit, headerOf(found).unit];
  if (isNamed && unit !== got) {
    throw new RangeError(
      `${where}: expected the column ${shownName(plain(column))} ${
        unit === undefined ? "without a unit" : `in ${shownName(unit)}`
      }, got ${got === undefined ? "none" : shownName(got)}`,
    );
  }
  return found;
}

function checkNoMore(first: RawTable, table: RawTable): void {
  if (table.columns.length === first.columns.length) return;
  const known = new Set(first.columns.map(plain));
  const more = table.columns.map(plain).filter((name) => !known.has(name));
  throw new RangeError(
    `Cannot use ${table.name} beside ${first.name}: expected the same columns, got ${
      shownNames(more)
    } as well, leave it out (option excludeColumns, --exclude-columns)`,
  );
}

/** Joins the parts of a column. A number among texts is spelled as the name of a category. */
function joined(parts: Parts, length: number): RawColumn {
  const { name, index } = parts[0] ?? { name: undefined, index: 0 };
  if (parts.every(({ numbers }) => numbers)) {
    const numbers = new Float64Array(length);
    let at = 0;
    for (const part of parts) {
      numbers.set(part.numbers ?? [], at);
      at += part.numbers?.length ?? 0;
    }
    return { name, index, numbers };
  }
  const codeOf = new Map<string, number>();
  const code = (text: string) => {
    const known = codeOf.get(text) ?? codeOf.size;
    codeOf.set(text, known);
    return known;
  };
  const codes = new Int32Array(length);
  let at = 0;
  for (const { numbers, codes: own = [], texts = [] } of parts) {
    const map = texts.map(code);
    if (numbers) {
      for (const value of numbers) {
        codes[at++] = Number.isNaN(value) ? -1 : code(canonicalName(value));
      }
    } else for (const one of own) codes[at++] = one < 0 ? -1 : map[one] ?? -1;
  }
  return { name, index, codes, texts: [...codeOf.keys()] };
}

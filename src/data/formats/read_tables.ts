/**
 * Reader of tables in several files.
 *
 * @module
 */

import { joinTables } from "./join_tables.ts";
import type { RawTable, ReadTableOptions } from "./raw_table.ts";
import { readTable } from "./read_table.ts";

/**
 * Reads files of the same columns as one table. A column that has texts in one file has texts in
 * all.
 *
 * @throws {RangeError} If the columns of the files differ. The message names the first difference.
 * @throws {Error} As `readTable()` rejects.
 *
 * @example Two wards
 * ```ts
 * import { readTables } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${folder}/a.csv`, "age,ill\n63,yes\n");
 * await Deno.writeTextFile(`${folder}/b.json`, '[{ "ill": "no", "age": 41 }]');
 * const { columns } = await readTables([`${folder}/a.csv`, `${folder}/b.json`]);
 * assertEquals(columns[0]?.numbers, Float64Array.of(63, 41));
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function readTables(
  paths: readonly string[],
  options: ReadTableOptions = {},
): Promise<RawTable> {
  return joinTables(await readEach(paths, options));
}

/** Reads files of the same columns. A column that has texts in one file has texts in all. */
export async function readEach(
  paths: readonly string[],
  options: ReadTableOptions,
): Promise<RawTable[]> {
  const tables: RawTable[] = [];
  for (const path of paths) tables.push(await readTable(path, options));
  // Numbers among texts are read again, because only the file has their spelling.
  const texts = new Set(
    tables.flatMap(({ columns }) => columns.filter(({ texts }) => texts).map(keyOf)),
  );
  for (const [i, table] of tables.entries()) {
    const again = table.columns.filter((column) => column.numbers && texts.has(keyOf(column)));
    if (again.length === 0) continue;
    const textColumns = [...options.textColumns ?? [], ...again.map(keyOf)];
    tables[i] = await readTable(table.name, { ...options, textColumns });
  }
  return tables;
}

function keyOf({ name, index }: RawTable["columns"][number]): string | number {
  return name ?? index;
}

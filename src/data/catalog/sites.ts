/**
 * Tables of several sites as one, with the site of each row.
 *
 * @module
 */

import { joinTables } from "../formats/join_tables.ts";
import type { RawTable } from "../formats/raw_table.ts";
import type { SiteFile } from "../formats/table_paths.ts";
import type { SchemaOptions } from "../schema/options.ts";

/** Table of several sites. */
export interface SitesTable {
  /** Rows of all sites, with a column of their names. */
  readonly table: RawTable;
  /** Declarations of the owner, with the names of the sites as ids. */
  readonly options: SchemaOptions;
}

/**
 * Joins tables of sites, and adds a column with the name of each row's site.
 *
 * @throws {RangeError} If the tables differ in their columns, or the rows have ids already.
 */
export function joinSites(
  tables: readonly RawTable[],
  sites: readonly SiteFile[],
  options: SchemaOptions,
): SitesTable {
  const joined = joinTables(tables);
  if (options.idColumn !== undefined) {
    throw new RangeError(
      `Cannot use ${joined.name}: expected no column of ids where each file is a site`,
    );
  }
  const names = new Set(joined.columns.map(({ name }) => name));
  let name = "site";
  while (names.has(name)) name += "_";
  const codes = new Int32Array(joined.length);
  let at = 0;
  for (const [code, { length }] of tables.entries()) codes.fill(code, at, at += length);
  const last = Math.max(...joined.columns.map(({ index }) => index));
  const column = {
    name: names.has(undefined) ? undefined : name,
    index: last + 1,
    codes,
    texts: sites.map((site) => site.name),
  };
  return {
    // The last column is the target, unless an option names another.
    table: { ...joined, columns: [column, ...joined.columns] },
    options: { ...options, idColumn: last + 1 },
  };
}

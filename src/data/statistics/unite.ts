/**
 * Union of the columns of several sites.
 *
 * @module
 */

import type { ColumnFigures, ColumnKind } from "../../wire/messages/statistics.ts";
import { shownName, shownNames, toBoolean } from "../schema/names.ts";
import type { SiteRecord } from "./site_record.ts";
import type { ColumnSummary } from "./summary.ts";

/** Order of the united columns: that of the first site, or by name. */
export type ColumnOrder = "first" | "name";
/** Columns that are united: those of all sites, which must agree, or those that all have. */
export type ColumnChoice = "all" | "common";

/** Column of all sites. */
export interface UnitedColumn {
  readonly name: string;
  readonly kind: ColumnSummary["kind"];
  readonly unit: string | undefined;
}

/** Options of {@linkcode uniteColumns}. */
export interface UniteOptions {
  /** Order of the columns. */
  readonly order: ColumnOrder;
  /** Columns to unite. */
  readonly choice: ColumnChoice;
  /** Columns that are categories although they have numbers. */
  readonly categories: ReadonlySet<string>;
}

const WORDS: Readonly<Record<ColumnKind, string>> = {
  number: "numbers",
  text: "texts",
  boolean: "true and false",
  missing: "no values",
};

/**
 * Unites the columns of several sites.
 *
 * @param sites Records of sites that have columns; at least one.
 * @returns The columns, and a line for each that is left out.
 * @throws {RangeError} If a site lacks a column, or sites have another kind or unit.
 */
export function uniteColumns(
  sites: readonly SiteRecord[],
  { order, choice, categories }: UniteOptions,
): { columns: UnitedColumn[]; notes: string[] } {
  const names = [...new Set(sites.flatMap(({ columns }) => [...columns.keys()]))];
  const notes: string[] = [];
  const shared = names.filter((name) => {
    const without = sites.filter(({ columns }) => !columns.has(name)).map(({ name }) => name);
    if (without.length === 0) return true;
    const owner = sites.find(({ columns }) => columns.has(name))?.name ?? "";
    if (choice === "all") {
      throw new RangeError(
        `Cannot unite the columns: expected the column ${shownName(name)} of ${
          shownName(owner)
        } at ${
          shownNames(without)
        } too, got none, leave it out (--exclude-columns) or unite those that all have (--columns common)`,
      );
    }
    notes.push(
      `Leaving out the column ${shownName(name)}, which is missing at ${shownNames(without)}`,
    );
    return false;
  });
  if (order === "name") shared.sort();
  const columns = shared.map((name) => uniteColumn(sites, name, categories));
  for (const { name, unit } of columns) {
    const without = unit === undefined ? [] : sitesWithoutUnit(sites, name);
    if (without.length === 0) continue;
    notes.push(
      `The column ${shownName(name)} is in ${shownName(unit ?? "")}, and ${
        shownNames(without)
      } declares no unit: check that it has the same, and declare it (--unit ${
        shownName(`${name}=${unit}`)
      })`,
    );
  }
  return { columns, notes };
}

/** Names the sites that have values of a column and declare no unit. */
function sitesWithoutUnit(sites: readonly SiteRecord[], name: string): string[] {
  return sites.filter(({ columns }) => {
    const column = columns.get(name);
    return column !== undefined && column.kind !== "missing" && column.unit === undefined;
  }).map(({ name }) => name);
}

function uniteColumn(
  sites: readonly SiteRecord[],
  name: string,
  categories: ReadonlySet<string>,
): UnitedColumn {
  const figures = sites.flatMap((site) => {
    const column = site.columns.get(name);
    return column ? [{ site: site.name, column }] : [];
  });
  const units = groupSites(figures, ({ unit }) => unit);
  if (units.size > 1) {
    throw conflict(
      name,
      [...units],
      (unit) => `the unit ${shownName(unit)}`,
      "convert the numbers of one, or leave the column out (--exclude-columns)",
    );
  }
  const [unit] = units.keys();
  const kinds = groupSites(figures, ({ kind }) => kind === "missing" ? undefined : kind);
  return { name, kind: uniteKinds(name, figures, kinds, categories.has(name)), unit };
}

interface Figures {
  readonly site: string;
  readonly column: ColumnFigures;
}

function uniteKinds(
  name: string,
  figures: readonly Figures[],
  kinds: Map<ColumnKind, string[]>,
  isCategory: boolean,
): ColumnSummary["kind"] {
  if (kinds.size === 0) return "missing";
  if (isCategory) return "category";
  if (!kinds.has("number")) {
    return !kinds.has("text") && areBooleans(figures) ? "boolean" : "category";
  }
  if (kinds.size === 1) return "number";
  const areBinary = figures.every(({ column: { kind, form } }) => {
    return kind !== "number" || form === "binary";
  });
  if (!kinds.has("text") && areBinary) return "boolean";
  throw conflict(
    name,
    [...kinds],
    (kind) => WORDS[kind],
    "correct texts among numbers or take them for missing (--missing-values) at the site that has them, list the column as one of categories (--categories), or leave it out (--exclude-columns)",
  );
}

/** Reports whether words are for true and false, and not single letters of which one is missing. */
function areBooleans(figures: readonly Figures[]): boolean {
  const names = figures.flatMap(({ column: { values = [] } }) => values.map(([name]) => name));
  return names.every(({ length }) => length > 1) || new Set(names.map(toBoolean)).size === 2;
}

/** Groups the names of sites by a property of their figures, where they have it. */
function groupSites<Key>(
  figures: readonly Figures[],
  keyOf: (column: ColumnFigures) => Key | undefined,
): Map<Key, string[]> {
  const groups = new Map<Key, string[]>();
  for (const { site, column } of figures) {
    const key = keyOf(column);
    if (key !== undefined) groups.set(key, [...groups.get(key) ?? [], site]);
  }
  return groups;
}

function conflict<Key>(
  name: string,
  groups: readonly (readonly [Key, readonly string[]])[],
  describe: (key: Key) => string,
  remedy: string,
): RangeError {
  const parts = groups.map(([key, sites]) => `${describe(key)} at ${shownNames(sites)}`);
  return new RangeError(
    `Cannot unite the column ${shownName(name)}: expected one kind and unit, got ${
      parts.join(" and ")
    }; ${remedy}`,
  );
}

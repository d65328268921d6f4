/**
 * Names that sites give to columns, categories and classes.
 *
 * @module
 */

import { nameConflict } from "../schema/name_conflict.ts";
import { numberOfText, shownName, shownNames } from "../schema/names.ts";
import { sumCounts } from "./column_summary.ts";
import type { SiteRecord } from "./site_record.ts";

/** Describes values of a column that sites seem to spell differently; `undefined` for none. */
export function valueConflict(sites: readonly SiteRecord[], column: string): string | undefined {
  return nameConflict(sites.flatMap((site) => {
    const { values, distinct = 0 } = site.columns.get(column) ?? {};
    if (values === undefined) return [];
    const names = values.map(([name]) => name);
    return [{ site: site.name, names, unnamed: Math.max(0, distinct - names.length) }];
  }));
}

/** Describes classes that sites seem to spell differently; `undefined` for none. */
export function classConflict(sites: readonly SiteRecord[]): string | undefined {
  return nameConflict(
    sites.flatMap(({ name, classes, unnamedClasses }) =>
      classes === undefined
        ? []
        : [{ site: name, names: classes.map(([name]) => name), unnamed: unnamedClasses }]
    ),
  );
}

/** Points out numbers of classes that sites may have given differently, as 0, 1 and 1, 2. */
export function noteOnClasses(records: readonly SiteRecord[]): string[] {
  const sites = records.flatMap(({ classes }) => classes ? [classes] : []);
  const united = sumCounts(sites).map(([name]) => name);
  const areNumbers = united.every((name) => numberOfText(name) !== undefined);
  const isTooFew = sites.length < 2 || sites.some((site) => site.length < 2);
  if (!areNumbers || isTooFew || sites.some((site) => site.length === united.length)) return [];
  return [
    `No client has all of the classes ${
      shownNames(united)
    }: check that all clients give the same number to a class`,
  ];
}

/** Returns the names of the last columns, each with the sites that have it last. */
export function lastColumns(sites: readonly SiteRecord[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { name, columns } of sites) {
    const last = [...columns.keys()].at(-1);
    if (last !== undefined) found.set(last, [...found.get(last) ?? [], name]);
  }
  return found;
}

/** Describes last columns for a message. */
export function shownLast(last: ReadonlyMap<string, readonly string[]>): string {
  return [...last].map(([column, sites]) => `${shownName(column)} at ${shownNames(sites)}`)
    .join(" and ");
}

/**
 * Names that sites seem to spell differently.
 *
 * @module
 */

import { UNSEEN } from "../../base/printable.ts";
import type { RawColumn, RawTable } from "../formats/raw_table.ts";
import { type ColumnParts, countNames } from "./column_values.ts";
import { canonicalName, quoted, shownNames, sortNames } from "./names.ts";

/** Names of classes or categories that one site has. */
export interface SiteNames {
  /** Name of the site in messages. */
  readonly site: string;
  /** The different names that are known. */
  readonly names: readonly string[];
  /**
   * Number of further names, which too few rows have.
   *
   * @default {0}
   */
  readonly unnamed?: number;
}

const BLANKS = new RegExp(`\\s|${UNSEEN.source}`, "gu");

/** Differences of spelling, and functions that remove them. */
const DIFFERENCES: readonly (readonly [string, (text: string) => string])[] = [
  ["Unicode form (NFC)", (text) => text.normalize("NFC")],
  ["blanks", (text) => text.replaceAll(BLANKS, "")],
  ["case", (text) => text.toUpperCase().toLowerCase()],
];

function withoutDifferences(text: string): string {
  return DIFFERENCES.reduce((text, [, remove]) => remove(text), text);
}

/**
 * Describes the first conflict of the names of sites: two names that differ only in case, blanks or
 * Unicode form; or sites of several names each that have none in common, also by way of others.
 *
 * @returns Words such as `"Yes" at a and "yes" at b, which differ in case alone`; `undefined` if
 * there is no conflict.
 */
export function nameConflict(sites: readonly SiteNames[]): string | undefined {
  return similarNames(sites) ?? disjointSites(sites);
}

function similarNames(sites: readonly SiteNames[]): string | undefined {
  const known = new Map<string, { readonly name: string; readonly site: string }>();
  for (const { site, names } of sites) {
    for (const name of names) {
      const key = withoutDifferences(name);
      const other = known.get(key);
      if (other === undefined) known.set(key, { name, site });
      else if (other.name !== name) {
        const [only = "case, blanks or Unicode form"] = DIFFERENCES
          .flatMap(([what, remove]) => remove(other.name) === remove(name) ? [what] : []);
        const where = other.site === site ? "" : ` at ${other.site}`;
        return `${quoted(other.name)}${where} and ${
          quoted(name)
        } at ${site}, which differ in ${only} alone`;
      }
    }
  }
  return undefined;
}

function disjointSites(sites: readonly SiteNames[]): string | undefined {
  const groups = new Groups(sites);
  const [most, ...others] = sites.toSorted((a, b) => b.names.length - a.names.length);
  if (most === undefined || most.names.length < 2) return undefined;
  const [known = ""] = most.names;
  const other = others.find(({ names: [first], names: { length }, unnamed = 0 }) => {
    if (first === undefined || length + unnamed < 2 || groups.areJoined(known, first)) return false;
    // A name alone may be among those that the first site has in too few rows.
    return length > 1 || !most.unnamed;
  });
  return other && `${described(most)} and ${described(other)}, which have none in common`;
}

function described({ site, names, unnamed = 0 }: SiteNames): string {
  const more = unnamed > 0 ? ` (and ${unnamed} of too few rows to be named)` : "";
  return `${shownNames(sortNames(names))}${more} at ${site}`;
}

/** Groups of names of which one site has two. */
class Groups {
  readonly #parents = new Map<string, string>();

  constructor(sites: readonly SiteNames[]) {
    for (const { names: [first = "", ...others] } of sites) {
      for (const name of others) this.#parents.set(this.#rootOf(name), this.#rootOf(first));
    }
  }

  areJoined(a: string, b: string): boolean {
    return this.#rootOf(a) === this.#rootOf(b);
  }

  #rootOf(name: string): string {
    let root = name;
    for (let up; (up = this.#parents.get(root)) !== undefined && up !== root;) root = up;
    // Shortens the way for the next search.
    for (let at = name; at !== root;) {
      const up = this.#parents.get(at) ?? root;
      this.#parents.set(at, root);
      at = up;
    }
    return root;
  }
}

/** Lists the names in a column of tables by site: each table, or each file of a joined one. */
export function namesBySite(parts: ColumnParts, tables: readonly RawTable[]): SiteNames[] {
  return parts.flatMap((part, i): SiteNames[] => {
    const table = tables[i];
    if (table === undefined) return [];
    if (table.files === undefined) {
      return [{ site: table.name, names: [...countNames([part]).keys()] }];
    }
    return namesByFile(part, table.files);
  });
}

function namesByFile(
  { numbers, codes, texts = [] }: RawColumn,
  { names, of }: NonNullable<RawTable["files"]>,
): SiteNames[] {
  const found = names.map(() => new Set<number>());
  const values: ArrayLike<number> = numbers ?? codes ?? [];
  for (let row = 0; row < values.length; row++) {
    const value = values[row] ?? NaN;
    if (numbers ? !Number.isNaN(value) : value >= 0) found[of(row)]?.add(value);
  }
  return names.map((site, i) => ({
    site,
    names: [
      ...new Set([...found[i] ?? []].map((x) => canonicalName(numbers ? x : texts[x] ?? ""))),
    ],
  }));
}

/**
 * Columns of a table that are wanted, and their marks of missing values.
 *
 * @module
 */

import { didYouMean } from "../../../base/did_you_mean.ts";
import { quoted, shownNames } from "../../schema/names.ts";
import { MISSING_VALUES, type ReadTableOptions } from "../raw_table.ts";
import { headerOf } from "../../schema/columns.ts";
import { ColumnBuilder } from "./column_builder.ts";

type Names = readonly (string | number)[];

/** Returns true if a list has the index of a column, its name, or its name without the unit. */
function isIn(list: Names, name: string | undefined, index: number): boolean {
  if (list.includes(index)) return true;
  return name !== undefined && (list.includes(name) || list.includes(plainName(name)));
}

function plainName(name: string): string {
  return headerOf({ name, index: 0 }).name;
}

/** Choice of columns, as options have it. */
export class ColumnChoice {
  readonly #name: string;
  readonly #options: ReadTableOptions;
  readonly #missing: ReadonlySet<string>;

  /** Makes the choice for a table that messages call `name`. */
  constructor(name: string, options: ReadTableOptions) {
    this.#name = name;
    this.#options = options;
    this.#missing = new Set((options.missingValues ?? MISSING_VALUES).map((text) => text.trim()));
  }

  /** Names that the options have, which the table must have. */
  get names(): string[] {
    const { columns = [], excludeColumns = [], textColumns = [], missingValuesOf } = this.#options;
    const given = [...columns, ...excludeColumns, ...textColumns];
    const names = given.filter((column) => typeof column === "string");
    return [...names, ...Object.keys(missingValuesOf ?? {})];
  }

  /** Marks of missing values in all columns. */
  get missing(): ReadonlySet<string> {
    return this.#missing;
  }

  /** Makes the collector of a column, or `undefined` if the column is not wanted. */
  builder(name: string | undefined, index: number, isText: boolean): ColumnBuilder | undefined {
    const { columns, excludeColumns = [], textColumns = [], missingValuesOf = {} } = this.#options;
    if (isIn(excludeColumns, name, index)) return undefined;
    if (columns && !isIn(columns, name, index)) return undefined;
    const [, own] = Object.entries(missingValuesOf).find(([key]) => isIn([key], name, -1)) ?? [];
    const missing = own
      ? new Set([...this.#missing, ...own.map((text) => text.trim())])
      : this.#missing;
    const describe = () =>
      `Cannot read ${this.#name}: column ${index + 1}${name ? ` (${name})` : ""}`;
    return new ColumnBuilder(missing, describe, isText || isIn(textColumns, name, index));
  }

  /** Returns true if a column is asked for by name or index, and not by default. */
  asksFor(name: string | undefined, index: number): boolean {
    return isIn(this.#options.columns ?? [], name, index);
  }

  /**
   * Checks that the table has the columns of the options.
   *
   * @param header Names of the columns; `undefined` for a table without.
   * @throws {RangeError | TypeError} If there is no such column, or two have its name.
   */
  check(header: readonly string[] | undefined, width: number): void {
    const { columns = [], excludeColumns = [], textColumns = [] } = this.#options;
    for (const column of [...columns, ...excludeColumns, ...textColumns]) {
      if (typeof column === "string") continue;
      if (Number.isInteger(column) && column >= 0 && column < width) continue;
      throw new RangeError(
        `Cannot read ${this.#name}: expected a column from 0 to ${width - 1}, got ${column}`,
      );
    }
    for (const column of this.names) {
      if (!header) {
        throw new TypeError(
          `Cannot read ${this.#name}: a column is named ${
            quoted(column)
          } where there is no header, give its index`,
        );
      }
      if (header.some((name) => isIn([column], name, -1))) continue;
      throw new RangeError(
        `Cannot read ${this.#name}: expected a column named ${quoted(column)} in the header, got ${
          shownNames(header)
        }${didYouMean(column, header)}`,
      );
    }
  }
}

/**
 * Columns of which a schema is made, and checks of what is declared about them.
 *
 * @module
 */

import { markedValues } from "./missing_marks.ts";
import { shownName } from "./names.ts";
import type { SchemaOptions } from "./options.ts";
import type { SourceColumn } from "./schema_inputs.ts";

/** Columns of which a schema is made: those of tables, or of their summary. */
export interface SchemaColumns {
  /** Start of messages, such as `Cannot use ward.csv`. */
  readonly where: string;
  /** Names of the columns. */
  readonly names: readonly string[];
  /** Number of rows. */
  readonly length: number;
  /**
   * Returns the place of a column that is given by name or by index from 0.
   *
   * @param use Use of the column in messages, such as `"an id column"`.
   * @throws {RangeError} If there is none.
   */
  placeOf(column: string | number, use: string): number;
  /** Returns the column at a place. */
  at(place: number): SourceColumn;
  /**
   * Describes names in a column that sites seem to spell differently; `undefined` if there are
   * none.
   *
   * @param of Names: the values of the column, or those of the rows that have a class.
   */
  conflictAt(place: number, of: "values" | "classes"): string | undefined;
}

/** Refuses units of columns that do not exist. */
export function checkUnitNames(columns: SchemaColumns, { units = {} }: SchemaOptions): void {
  for (const name of Object.keys(units)) columns.placeOf(name, "a column with a unit");
}

/** Refuses declarations about columns that are no inputs, or about those of an array. */
export function checkInputNames(
  columns: SchemaColumns,
  places: readonly number[],
  options: SchemaOptions,
): void {
  const { missing = {}, categories = [], shape, scale } = options;
  const declared = [
    ...Object.keys(missing).filter((name) => name !== "")
      .map((name) => ["a policy for missing values", name] as const),
    ...categories.map((name) => ["categories", name] as const),
  ];
  const isArray = shape !== undefined || scale !== undefined;
  if (isArray && (declared.length > 0 || missing[""])) {
    throw new RangeError(
      `${columns.where}: expected no policies for missing values and no categories with a shape or a scale`,
    );
  }
  const marked = places.find((place) => markedValues(columns.names[place] ?? "", options).length);
  if (isArray && marked !== undefined) {
    throw new RangeError(
      `${columns.where}: expected no missing values (--missing-values) with a shape or a scale, got some for ${
        shownName(columns.names[marked] ?? "")
      }`,
    );
  }
  for (const [what, name] of declared) {
    if (places.includes(columns.placeOf(name, `an input column with ${what}`))) continue;
    throw new RangeError(
      `${columns.where}: expected an input column with ${what}, got ${
        shownName(`${name}`)
      }, which is none${what === "categories" ? "" : " (rows without a target: --missing-target)"}`,
    );
  }
}

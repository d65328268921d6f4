/**
 * Refusal of classes and categories that sites seem to spell differently.
 *
 * @module
 */

import { parseCondition } from "./condition.ts";
import { shownName } from "./names.ts";
import type { SchemaOptions } from "./options.ts";
import type { Schema } from "./schema.ts";
import type { SchemaColumns } from "./schema_columns.ts";

/**
 * Checks the classes and categories of a schema that is made of columns. Classes that the options
 * name, and the columns of categories that they list as disjoint, are as they are.
 *
 * @throws {RangeError} If two names differ only in case, blanks or Unicode form, or sites of
 * several names have none in common. The message names the column, the names and the sites.
 */
export function checkSpelling(
  { inputs, target }: Schema,
  columns: SchemaColumns,
  { classes, disjointCategories = [] }: SchemaOptions,
): void {
  const disjoint = disjointCategories.map((column) =>
    columns.placeOf(column, "a column of disjoint categories")
  );
  const refuse = (name: string, what: string, conflict: string | undefined, remedy: string) => {
    if (conflict === undefined) return;
    throw new RangeError(
      `${columns.where}: expected one spelling of the ${what} of ${
        shownName(name)
      }, got ${conflict}: spell them alike, or ${remedy}`,
    );
  };
  const checkCategories = (name: string) => {
    const place = columns.placeOf(name, "the column");
    if (disjoint.includes(place)) return;
    const remedy = `say that they are different (--disjoint-categories ${shownName(name)})`;
    refuse(name, "categories", columns.conflictAt(place, "values"), remedy);
  };
  if (target.task === "classification" && target.from !== undefined) {
    const { column, value } = parseCondition(target.from);
    if (typeof value === "string") checkCategories(column);
  } else if (target.task === "classification" && classes === undefined) {
    const place = columns.placeOf(target.name, "the target column");
    const remedy = "name all classes (--classes) or give a schema (--schema)";
    refuse(target.name, "classes", columns.conflictAt(place, "classes"), remedy);
  }
  for (const { name, kind } of inputs) if (kind === "category") checkCategories(name);
}

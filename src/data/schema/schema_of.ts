/**
 * Schemas made from tables.
 *
 * @module
 */

import type { RawTable } from "../formats/raw_table.ts";
import { checkSpelling } from "./check_spelling.ts";
import { cannotUse } from "./columns.ts";
import { shownName } from "./names.ts";
import type { SchemaOptions } from "./options.ts";
import { parseSchema } from "./parse.ts";
import { checkInputNames, checkUnitNames, type SchemaColumns } from "./schema_columns.ts";
import { arrayInputOf, inputOf } from "./schema_inputs.ts";
import {
  columnOfCondition,
  conditionOf,
  type MadeTarget,
  targetOf,
  targetOfColumns,
} from "./schema_target.ts";
import type { Schema } from "./schema.ts";
import { warningsAbout } from "./schema_warnings.ts";
import { TableColumns } from "./table_columns.ts";

/** Schema that was made from tables. */
export interface MadeSchema {
  /** The schema. */
  readonly schema: Schema;
  /** Lines about choices that may be wrong, such as a measure that is taken for a class. */
  readonly warnings: readonly string[];
}

/**
 * Makes a schema from tables: kinds are inferred from the values, and categories, classes, fill
 * values and standardization are those of all rows of all tables. The columns are those of the
 * first table; the others must have them.
 *
 * A column is of numbers if all its values are; of `true` and `false` if its values are words for
 * them; else of categories.
 *
 * @throws {RangeError} If a column is missing, occurs twice, has no value or over 1000 categories,
 * or the target does not fit the task. The message is one line that names the table and the column.
 *
 * @example Two sites
 * ```ts
 * import { schemaOf, tableOf } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const schema = schemaOf([
 *   tableOf("a.csv", { age: [63, 41], sex: ["m", "m"], ill: ["yes", "yes"] }),
 *   tableOf("b.csv", { sex: ["f"], age: [null], ill: ["no"] }),
 * ], { missing: { "": { policy: "mean" } } });
 * assertEquals(schema.inputs, [
 *   { name: "age", kind: "number", missing: { policy: "mean", fill: 52 } },
 *   {
 *     name: "sex",
 *     kind: "category",
 *     categories: ["f", "m"],
 *     missing: { policy: "most-frequent", fill: "m" },
 *   },
 * ]);
 * assertEquals(schema.target, { name: "ill", task: "classification", classes: ["no", "yes"] });
 * ```
 */
export function schemaOf(tables: readonly RawTable[], options: SchemaOptions = {}): Schema {
  return makeSchema(tables, options).schema;
}

/** Makes a schema as {@linkcode schemaOf} does, with warnings. */
export function makeSchema(tables: readonly RawTable[], options: SchemaOptions = {}): MadeSchema {
  const [first] = tables;
  if (!first) throw new RangeError("Cannot make a schema: expected at least one table, got none");
  if (!tables.some(({ length }) => length > 0)) {
    throw new RangeError(`${cannotUse(first)}: expected rows, got none`);
  }
  return makeSchemaOfColumns(new TableColumns(tables, options), options);
}

/** Target of columns, with their places. */
interface FoundTarget extends MadeTarget {
  readonly places: readonly number[];
}

function findTarget(columns: SchemaColumns, options: SchemaOptions): FoundTarget {
  const { names } = columns;
  const { target = [] } = options;
  const targets = typeof target === "object" ? target : [target];
  const [only] = targets;
  const condition = targets.length === 1 && typeof only === "string"
    ? conditionOf(only, names)
    : undefined;
  const places = options.target === undefined
    ? [names.length - 1]
    : condition === undefined
    ? targets.map((one) => columns.placeOf(one, "a target column"))
    : [columns.placeOf(columnOfCondition(condition), "a target column")];
  const sources = places.map((place) => columns.at(place));
  const [source] = sources;
  const made = source && sources.length === 1
    ? targetOf(source, condition, options)
    : targetOfColumns(sources, options);
  return { ...made, places };
}

/**
 * Checks what the owner of a table has declared about it, where the schema comes from others.
 *
 * @throws {RangeError} If a column that is named is missing, or the target that is named does not
 * fit the classes or the task.
 */
export function checkDeclarations(table: RawTable, options: SchemaOptions): void {
  const columns = new TableColumns([table], options);
  const { idColumn, weightColumn, inputs = [], target, classes, task } = options;
  if (idColumn !== undefined) columns.placeOf(idColumn, "an id column");
  if (weightColumn !== undefined) columns.placeOf(weightColumn, "a weight column");
  for (const column of inputs) columns.placeOf(column, "an input column");
  checkUnitNames(columns, options);
  if (target !== undefined || classes || task) findTarget(columns, options);
}

/** Makes a schema of columns, with warnings. */
export function makeSchemaOfColumns(columns: SchemaColumns, options: SchemaOptions): MadeSchema {
  const { where, names } = columns;
  const { exclude = [], inputs } = options;
  const { places: targetPlaces, ...made } = findTarget(columns, options);
  const others = [options.idColumn, options.weightColumn, ...exclude].flatMap((column) =>
    column === undefined ? [] : [columns.placeOf(column, "a column")]
  );
  const places = inputs
    ? inputs.map((column) => columns.placeOf(column, "an input column"))
    : [...names.keys()].filter((i) => !targetPlaces.includes(i) && !others.includes(i));
  const both = targetPlaces.find((place) => others.includes(place)) ??
    places.find((place) => targetPlaces.includes(place) || others.includes(place));
  if (both !== undefined) {
    throw new RangeError(
      `${where}: expected one use of the column ${shownName(names[both] ?? "")}, got several`,
    );
  }
  if (places.length === 0) {
    throw new RangeError(
      `${where}: expected input columns besides the target, got none, check the delimiter (--delimiter)`,
    );
  }
  checkInputNames(columns, places, options);
  checkUnitNames(columns, options);
  if (options.shape !== undefined || options.scale !== undefined) {
    const sources = places.map((place) => columns.at(place));
    const input = arrayInputOf(sources, options);
    const schema = parseSchema({ format: "fedlab.schema/1", inputs: [input], target: made.target });
    checkSpelling(schema, columns, options);
    return { schema, warnings: made.warnings };
  }
  const schema = parseSchema({
    format: "fedlab.schema/1",
    inputs: places.map((place) => inputOf(columns.at(place), options)),
    target: made.target,
  });
  checkSpelling(schema, columns, options);
  return { schema, warnings: [...made.warnings, ...warningsAbout(schema, columns, options)] };
}

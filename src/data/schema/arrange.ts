/**
 * Arrangement of tables by a schema.
 *
 * @module
 */

import { Dataset } from "../dataset.ts";
import { trustFinite } from "../finite.ts";
import { MAX_VALUES } from "../limits.ts";
import type { RawColumn, RawTable } from "../formats/raw_table.ts";
import { shareableFloats } from "../shareable.ts";
import { type ArrayColumns, arrayInputIn, matchPlaces, writeArray } from "./arrange_places.ts";
import { arrangeTarget } from "./arrange_target.ts";
import { type ColumnInput, type InputCounts, missingReader, writeInput } from "./arrange_inputs.ts";
import { cellError, nameReader, numberReader } from "./cell_reader.ts";
import { cannotUse, matchColumns, type MatchedColumns, targetColumns } from "./columns.ts";
import { inputShape, outputNames, schemaWidth, widthOf } from "./features.ts";
import { normalSchema } from "./normal.ts";
import type { ArrangeOptions } from "./options.ts";
import { shownName, shownNames } from "./names.ts";
import type { InputSchema, Schema } from "./schema.ts";

/** Features of a table, arranged by a schema. */
export interface ArrangedInputs {
  /** Features of the kept rows, row after row. */
  readonly features: Float32Array;
  /** Rows of the table that are kept. */
  readonly rows: Uint32Array;
  /** Counts by the name of the input, where one is not 0. */
  readonly counts: ReadonlyMap<string, Readonly<InputCounts>>;
  /** Names of columns that the schema does not use. */
  readonly ignored: readonly string[];
  /** Id of each kept row, where there is an `idColumn`. */
  readonly ids?: readonly string[];
}

/** Table that was arranged by a schema. */
export interface Arranged extends Omit<ArrangedInputs, "features"> {
  /** The data set, with its `schema`. */
  readonly dataset: Dataset;
}

/**
 * Arranges a table by a schema: columns by name, classes by name, categories as one feature each,
 * missing values by their policies, numbers standardized. Columns that the schema does not use are
 * ignored and named in the result.
 *
 * Columns without names, in the schema and in the table, are taken by place.
 *
 * @throws {RangeError} If a column is missing, has another unit or occurs twice, there are unknown
 * classes, or no row is left.
 * @throws {SyntaxError} If a value does not fit its kind, or is missing where that is an error.
 * @throws {TypeError} If the schema lacks a value to fill in. Each message is one line that names
 * the table and the first difference.
 *
 * @example Columns in another order
 * ```ts
 * import { arrangeTable, type Schema, tableOf } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const schema: Schema = {
 *   format: "fedlab.schema/1",
 *   inputs: [{ name: "age", kind: "number" }, {
 *     name: "sex",
 *     kind: "category",
 *     categories: ["f", "m"],
 *   }],
 *   target: { name: "ill", task: "classification", classes: ["no", "yes"] },
 * };
 * const table = tableOf("ward.csv", { sex: ["m", "f"], ill: ["yes", "no"], age: [63, 41] });
 * const { dataset } = arrangeTable(table, schema);
 * assertEquals([...dataset.features], [63, 0, 1, 41, 1, 0]);
 * assertEquals([...dataset.labels], [1, 0]);
 * ```
 */
export function arrangeTable(
  table: RawTable,
  given: Schema,
  options: ArrangeOptions = {},
): Arranged {
  const schema = normalSchema(given);
  const columns = match(table, schema, options);
  const { features, ...inputs } = arrangeColumns(table, schema, columns, options);
  const { target } = schema;
  const { weight } = columns;
  const both = weight && !("features" in columns) &&
    [...schema.inputs.map(({ name }) => name), ...targetColumns(target)]
      .find((name) => columns.get(name).index === weight.index);
  if (typeof both === "string") {
    throw new RangeError(
      `${cannotUse(table)}: expected one use of the column ${shownName(both)}, got several`,
    );
  }
  const weights = columns.weight && weightsOf(table, columns.weight, inputs.rows);
  const dataset = Dataset.of({
    features,
    targets: arrangeTarget(target, table, inputs.rows, columns),
    shape: inputShape(schema),
    task: target.task,
    ...(target.task === "classification"
      ? { numClasses: target.classes.length }
      : { outputs: outputNames(schema).length }),
    ...(weights && { weights }),
    schema,
  });
  return { dataset: trustFinite(dataset), ...inputs };
}

/**
 * Arranges the features of a table by a schema, whether or not it has the target. No row may be
 * left.
 *
 * The errors are those of {@linkcode arrangeTable}.
 */
export function arrangeInputs(
  table: RawTable,
  given: Schema,
  options: ArrangeOptions = {},
): ArrangedInputs {
  const schema = normalSchema(given);
  return arrangeColumns(table, schema, match(table, schema, options, false), options, false);
}

function match(
  table: RawTable,
  schema: Schema,
  options: ArrangeOptions,
  withTarget = true,
): MatchedColumns | ArrayColumns {
  const find = arrayInputIn(schema) ? matchPlaces : matchColumns;
  return find(table, schema, options, withTarget);
}

function arrangeColumns(
  table: RawTable,
  schema: Schema,
  columns: MatchedColumns | ArrayColumns,
  options: ArrangeOptions,
  withTarget = true,
): ArrangedInputs {
  const rows = keptRows(table, schema, columns, withTarget && options.missingTarget === "drop");
  if (rows.length === 0 && (withTarget || table.length === 0)) {
    throw new RangeError(
      table.length === 0
        ? `${cannotUse(table)}: expected rows, got none`
        : `${cannotUse(table)}: expected rows without missing values, got none of ${table.length}`,
    );
  }
  const width = schemaWidth(schema);
  if (rows.length * width > MAX_VALUES) {
    throw new RangeError(
      `${
        cannotUse(table)
      }: expected at most ${MAX_VALUES} features, got ${width} in each of ${rows.length} rows, split the table or list fewer categories`,
    );
  }
  const features = shareableFloats(rows.length * width);
  const counts = new Map<string, InputCounts>();
  const to = { table, features, width, rows };
  const array = arrayInputIn(schema);
  if (array && "features" in columns) writeArray(array, columns.features, to);
  let offset = 0;
  for (const input of array ? [] : schema.inputs) {
    const column = columns.get(input.name);
    const of = writeInput(input as ColumnInput, column, to, offset);
    if (of.filled > 0 || of.others > 0) counts.set(input.name, of);
    if (withTarget && of.others > 0 && of.others === rows.length - of.filled) {
      checkSomeKnown(table, input, column, rows);
    }
    offset += widthOf(input);
  }
  const ids = columns.id && idsOf(table, columns.id, rows);
  return { features, rows, counts, ignored: columns.ignored, ...(ids && { ids }) };
}

/**
 * Checks that a column with several categories has one that the schema lists: where all differ, the
 * table most likely spells them otherwise. A column with the same value in all rows may be new.
 */
function checkSomeKnown(
  table: RawTable,
  input: InputSchema,
  column: RawColumn,
  rows: Uint32Array,
): void {
  const read = nameReader(column);
  const names = new Set(Array.from(rows, read).filter((name) => name !== undefined));
  if (names.size < 2 || input.kind !== "category") return;
  throw new RangeError(
    `${cannotUse(table)}: column ${shownName(input.name)}: expected some of the categories ${
      shownNames(input.categories)
    }, got ${shownNames([...names])} alone`,
  );
}

/** Lists the rows that no policy drops. */
function keptRows(
  table: RawTable,
  { inputs, target }: Schema,
  columns: MatchedColumns,
  dropsTarget: boolean,
): Uint32Array {
  const needed = [
    ...inputs.flatMap((input) =>
      !("shape" in input) && input.missing?.policy === "drop" ? [input.name] : []
    ),
    ...(dropsTarget ? targetColumns(target) : []),
  ];
  const areMissing = needed.map((name) => missingReader(columns.get(name)));
  // from() would collect the numbers in an array of twice the size.
  const all = new Uint32Array(table.length);
  for (let row = 0; row < all.length; row++) all[row] = row;
  return areMissing.length === 0
    ? all
    : all.filter((row) => !areMissing.some((isMissing) => isMissing(row)));
}

function idsOf(
  table: RawTable,
  column: MatchedColumns["id"] & object,
  rows: Uint32Array,
): string[] {
  const read = nameReader(column);
  return Array.from(rows, (row) => {
    const id = read(row);
    if (id !== undefined) return id;
    throw cellError(table, column, row, "an id", "a missing value");
  });
}

function weightsOf(
  table: RawTable,
  column: MatchedColumns["weight"] & object,
  rows: Uint32Array,
): Float32Array {
  const read = numberReader(table, column);
  const weights = shareableFloats(rows.length);
  rows.forEach((row, i) => {
    const weight = read(row);
    if (weight !== undefined && weight >= 0) weights[i] = weight;
    else {
      throw cellError(table, column, row, "a weight from 0", `${weight ?? "a missing value"}`);
    }
  });
  return weights;
}

/**
 * Columns of a table for a schema without columns.
 *
 * @module
 */

import type { RawColumn, RawTable } from "../formats/raw_table.ts";
import type { FeatureTable } from "./arrange_inputs.ts";
import { standardizerOf } from "./array_schema.ts";
import { cellError, numberReader } from "./cell_reader.ts";
import { cannotUse, ColumnIndex, headerOf, type MatchedColumns, targetColumns } from "./columns.ts";
import { isCondition } from "./condition.ts";
import { widthOf } from "./features.ts";
import { withMarks } from "./missing_marks.ts";
import { quoted, shownName, shownNames } from "./names.ts";
import type { ArrangeOptions } from "./options.ts";
import type { ArrayInput, Schema } from "./schema.ts";

/** Returns the only input of a schema if it is an array, an image or a sequence. */
export function arrayInputIn({ inputs: [input, ...others] }: Schema): ArrayInput | undefined {
  return input && others.length === 0 && "shape" in input ? input : undefined;
}

/** Columns of a table whose features are an array. */
export interface ArrayColumns extends MatchedColumns {
  /** Columns of the features, in their order. */
  readonly features: readonly RawColumn[];
}

/**
 * Finds the columns for a schema whose only input is an array: its features are all columns, in
 * their order, but those of target, ids and weights. The target is found by the name that the
 * schema has, or by the option `target`; in a table without header it is the last column.
 *
 * @param withTarget Is false for a table whose target is not read; it may have one.
 * @throws {RangeError} If there is no target, another number of columns, or the schema is that of
 * generated data.
 */
export function matchPlaces(
  table: RawTable,
  schema: Schema,
  options: ArrangeOptions,
  withTarget = true,
): ArrayColumns {
  const input = arrayInputIn(schema);
  const where = cannotUse(table);
  if (!input) throw new RangeError(`${where}: expected data with columns, got an array`);
  if (input.generator && withTarget) {
    throw new RangeError(
      `${where}: expected data of the generator ${shownName(input.generator.name)}, got a table`,
    );
  }
  const index = new ColumnIndex(table);
  const named = (column: string | number | undefined, use: string) =>
    column === undefined ? undefined : index.get(column, use);
  const id = named(options.idColumn, "an id column");
  const weight = named(options.weightColumn, "a weight column");
  const width = widthOf(input);
  const others = [id, weight].filter((place) => place !== undefined);
  const isBare = !withTarget && table.columns.length - others.length === width;
  const targets = isBare ? new Map<string, number>() : findTargets(table, index, schema, options);
  const taken = new Set([...targets.values(), ...others]);
  const features = input.columns
    ? namedFeatures(table, index, input.columns)
    : table.columns.filter((_, place) => !taken.has(place));
  const unused = new Set(table.columns.filter((_, place) => !taken.has(place)));
  for (const column of features) unused.delete(column);
  if (features.length !== width) {
    throw new RangeError(
      `${where}: expected ${width} columns of features for the shape [${input.shape}], got ${features.length}`,
    );
  }
  const marked = withMarks(schema, (name) => table.columns[targets.get(name) ?? -1]);
  return {
    features,
    get(name) {
      const column = marked.get(name) ?? table.columns[targets.get(name) ?? -1];
      if (column) return column;
      throw new RangeError(`${where}: expected the column ${shownName(name)}, got none`);
    },
    id: id === undefined ? undefined : table.columns[id],
    weight: weight === undefined ? undefined : table.columns[weight],
    ignored: [...unused].map((column) => headerOf(column).name),
  };
}

/** Finds the columns of an array that has names of them. */
function namedFeatures(
  table: RawTable,
  index: ColumnIndex,
  names: readonly string[],
): RawColumn[] {
  return names.map((name) => {
    const column = table.columns[index.find(name) ?? -1];
    if (column) return column;
    const wanted = new Set(names);
    const others = index.headers.map((one) => one.name).filter((one) => !wanted.has(one));
    throw new RangeError(
      `${cannotUse(table)}: expected the column ${shownName(name)}, got ${
        !index.hasNames
          ? "columns without names, say that line 1 is a header (--header yes)"
          : shownNames(others) || "none of this name"
      }`,
    );
  });
}

function findTargets(
  table: RawTable,
  index: ColumnIndex,
  { target }: Schema,
  { target: given }: ArrangeOptions,
): Map<string, number> {
  const names = targetColumns(target);
  const places = new Map<string, number>();
  for (const name of names) {
    const place = index.find(name);
    if (place !== undefined) places.set(name, place);
  }
  const [only = ""] = names;
  if (places.size === names.length) return places;
  const isColumn = typeof given === "number" ||
    (typeof given === "string" && !isCondition(given));
  if (names.length === 1 && isColumn) {
    return new Map([[only, index.get(given, "a target column")]]);
  }
  if (names.length === 1 && !index.hasNames) return new Map([[only, table.columns.length - 1]]);
  const missing = names.find((name) => !places.has(name)) ?? only;
  throw new RangeError(
    `${cannotUse(table)}: expected a target column named ${
      quoted(missing)
    }, got none, name it (option target, --target)`,
  );
}

/**
 * Writes the features of an array.
 *
 * @throws {SyntaxError} If a value is missing or no number.
 */
export function writeArray(
  input: ArrayInput,
  columns: readonly RawColumn[],
  { table, features, width, rows }: FeatureTable,
): void {
  const standardized = standardizerOf(input);
  const { scale = 1 } = input;
  columns.forEach((column, k) => {
    const read = numberReader(table, column);
    rows.forEach((row, i) => {
      const value = read(row);
      const feature = value === undefined ? NaN : Math.fround(standardized(value * scale, k));
      if (!Number.isFinite(feature)) {
        throw cellError(table, column, row, "a number", `${value ?? "a missing value"}`);
      }
      features[i * width + k] = feature;
    });
  });
}

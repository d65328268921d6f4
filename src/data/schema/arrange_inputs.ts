/**
 * Conversion of columns into features.
 *
 * @module
 */

import type { RawColumn, RawTable } from "../formats/raw_table.ts";
import {
  booleanReader,
  cellError,
  type CellReader,
  nameReader,
  numberReader,
} from "./cell_reader.ts";
import { cannotUse } from "./columns.ts";
import { widthOf } from "./features.ts";
import { canonicalName, quoted, shownName, shownNames } from "./names.ts";
import type { BooleanInput, CategoryInput, NumberInput } from "./schema.ts";

/** Largest number that a 32-bit float holds. */
const MAX_FLOAT = 3.4028234663852886e38;

/** Input that is one column of a table. */
export type ColumnInput = NumberInput | CategoryInput | BooleanInput;

/** Features of a table while they are written. */
export interface FeatureTable {
  readonly table: RawTable;
  /** Features, row after row. */
  readonly features: Float32Array;
  /** Number of features of a row. */
  readonly width: number;
  /** Rows of the table that are kept. */
  readonly rows: Uint32Array;
}

/** Counts of an input. */
export interface InputCounts {
  /** Missing values that were filled in. */
  filled: number;
  /** Values of the feature for other categories. */
  others: number;
}

/** Returns a function that tells if a value of a column is missing. */
export function missingReader({ numbers, codes }: RawColumn): (row: number) => boolean {
  if (numbers) return (row) => Number.isNaN(numbers[row] ?? NaN);
  return (row) => (codes?.[row] ?? -1) < 0;
}

/**
 * Writes the features of an input.
 *
 * @param offset Index of its first feature in a row.
 * @throws {SyntaxError | RangeError | TypeError} If a value does not fit.
 */
export function writeInput(
  input: ColumnInput,
  column: RawColumn,
  to: FeatureTable,
  offset: number,
): InputCounts {
  const counts: InputCounts = { filled: 0, others: 0 };
  const { features, width, rows, table } = to;
  const { write, numFeatures } = featureWriter(input, column, to, counts);
  const fill = fillOf(table, input);
  const hasIndicator = widthOf(input) > numFeatures;
  const put = input.kind === "number" ? plainWriter(input, column, features) : undefined;
  for (let i = 0; i < rows.length; i++) {
    const at = i * width + offset;
    if (put?.(rows[i] ?? 0, at) || write(rows[i] ?? 0, at)) continue;
    if (fill === undefined) {
      throw cellError(
        table,
        column,
        rows[i] ?? 0,
        input.kind === "number" ? "a number" : `a ${input.kind}`,
        "a missing value, give a policy for missing values (--missing)",
      );
    }
    counts.filled++;
    write(fill, at);
    if (hasIndicator) features[at + numFeatures] = 1;
  }
  return counts;
}

/**
 * Makes a writer of the numbers of a column. It returns false for those that are missing or do not
 * fit, and is faster than {@linkcode numberWriter}, which treats these.
 */
function plainWriter(
  { standardize }: NumberInput,
  { numbers }: RawColumn,
  features: Float32Array,
): ((row: number, at: number) => boolean) | undefined {
  if (!numbers) return undefined;
  const { mean = 0, deviation = 1 } = standardize ?? {};
  return (row, at) => {
    const value = numbers[row] as number;
    features[at] = deviation === 0 ? 0 * value : (value - mean) / deviation;
    return Number.isFinite(features[at] as number) && Math.abs(value) <= MAX_FLOAT;
  };
}

/** A value that is filled in. */
class Fill {
  constructor(readonly value: number | string | boolean) {}
}

function fillOf(table: RawTable, { name, kind, missing }: ColumnInput): Fill | undefined {
  const { policy = "error", fill } = missing ?? {};
  if (policy === "error" || policy === "drop") return undefined;
  if (fill !== undefined) return new Fill(kind === "category" ? canonicalName(`${fill}`) : fill);
  throw new TypeError(
    `${cannotUse(table)}: expected a schema that states the ${policy} of ${
      shownName(name)
    }, got none`,
  );
}

/** Writer of the features of a row; it returns false for a missing value. */
interface FeatureWriter {
  readonly numFeatures: number;
  write(rowOrFill: number | Fill, at: number): boolean;
}

function featureWriter(
  input: ColumnInput,
  column: RawColumn,
  to: FeatureTable,
  counts: InputCounts,
): FeatureWriter {
  switch (input.kind) {
    case "number":
      return numberWriter(input, column, to);
    case "category":
      return categoryWriter(input, column, to, counts);
    case "boolean": {
      const read = booleanReader(to.table, column);
      const write = (value: boolean, at: number) => void (to.features[at] = value ? 1 : 0);
      return writerOf(1, read, (value, _, at) => write(value, at));
    }
  }
}

function writerOf<T extends number | string | boolean>(
  numFeatures: number,
  read: CellReader<T>,
  put: (value: T, row: number | undefined, at: number) => void,
): FeatureWriter {
  return {
    numFeatures,
    write(rowOrFill, at) {
      const isFill = rowOrFill instanceof Fill;
      const value = isFill ? rowOrFill.value as T : read(rowOrFill);
      if (value === undefined) return false;
      put(value, isFill ? undefined : rowOrFill, at);
      return true;
    },
  };
}

function numberWriter(
  { standardize, name }: NumberInput,
  column: RawColumn,
  { table, features }: FeatureTable,
): FeatureWriter {
  const { mean = 0, deviation = 1 } = standardize ?? {};
  return writerOf(1, numberReader(table, column), (value, row, at) => {
    const feature = Math.fround(deviation === 0 ? 0 : (value - mean) / deviation);
    if (!Number.isFinite(feature) || Math.abs(value) > MAX_FLOAT) {
      const got = `${value}${standardize ? `, which becomes ${(value - mean) / deviation}` : ""}`;
      if (row !== undefined) {
        throw cellError(table, column, row, "a number that a 32-bit float holds", got);
      }
      throw new RangeError(
        `${cannotUse(table)}: column ${
          shownName(name)
        }: expected a fill value that a 32-bit float holds, got ${got}`,
      );
    }
    features[at] = feature;
  });
}

function categoryWriter(
  { categories, unknown, name }: CategoryInput,
  column: RawColumn,
  { table, features }: FeatureTable,
  counts: InputCounts,
): FeatureWriter {
  const places = new Map(categories.map((category, i) => [category, i]));
  const other = unknown === "other" ? categories.length : undefined;
  const numFeatures = categories.length + (other === undefined ? 0 : 1);
  return writerOf(numFeatures, nameReader(column), (value, row, at) => {
    const place = places.get(value) ?? other;
    if (place === undefined) {
      if (row === undefined) {
        throw new RangeError(
          `${cannotUse(table)}: column ${
            shownName(name)
          }: expected a fill value of its categories, got ${quoted(value)}`,
        );
      }
      throw cellError(
        table,
        column,
        row,
        `a category of ${shownNames(categories)}`,
        `${quoted(value)}, which a schema made with --unknown-category other counts as other`,
      );
    }
    if (place === other) counts.others++;
    features[at + place] = 1;
  });
}

/**
 * Arrangement of tables by a schema without columns.
 *
 * @module
 */

import { Dataset } from "../dataset.ts";
import { trustFinite } from "../finite.ts";
import type { RawTable } from "../formats/raw_table.ts";
import { shareableFloats } from "../shareable.ts";
import type { Arranged } from "./arrange.ts";
import { arrangeTarget } from "./arrange_target.ts";
import { standardizerOf } from "./array_schema.ts";
import { cellError, nameReader, numberReader } from "./cell_reader.ts";
import { cannotUse, ColumnIndex } from "./columns.ts";
import { widthOf } from "./features.ts";
import type { ArrangeOptions } from "./options.ts";
import type { Schema } from "./schema.ts";

/** Returns true if the only input of a schema is an array, an image or a sequence. */
export function isArraySchema({ inputs }: Schema): boolean {
  return inputs.length === 1 && inputs[0] !== undefined && "shape" in inputs[0];
}

/**
 * Arranges a table by a schema whose only input is an array: its columns are the features of a row,
 * in their order, but for target, ids and weights.
 *
 * @throws {RangeError | SyntaxError} As `arrangeTable()` throws.
 */
export function arrangePlaces(
  table: RawTable,
  schema: Schema,
  options: ArrangeOptions,
): Arranged {
  const [input] = schema.inputs;
  const { target } = schema;
  const where = cannotUse(table);
  if (input === undefined || !("shape" in input) || target.task !== "classification") {
    throw new RangeError(`${where}: expected data of the input ${input?.name}, got a table`);
  }
  const index = new ColumnIndex(table);
  const { target: column = index.find(target.name) ?? table.columns.length - 1 } = options;
  if (typeof column === "object") {
    throw new RangeError(`${where}: expected one target column, got ${column.length}`);
  }
  const label = index.get(column, "a target column");
  const { idColumn } = options;
  const id = idColumn === undefined ? undefined : index.get(idColumn, "an id column");
  const places = [...table.columns.keys()].filter((i) => i !== label && i !== id);
  const width = widthOf(input);
  if (places.length !== width) {
    throw new RangeError(
      `${where}: expected ${width} columns of features for the shape [${input.shape}], got ${places.length}`,
    );
  }
  const rows = Uint32Array.from({ length: table.length }, (_, row) => row);
  const features = shareableFloats(rows.length * width);
  const standardized = standardizerOf(input);
  const { scale = 1 } = input;
  places.forEach((place, k) => {
    const column = table.columns[place];
    if (!column) return;
    const read = numberReader(table, column);
    rows.forEach((row) => {
      const value = read(row);
      const feature = value === undefined ? NaN : Math.fround(standardized(value * scale, k));
      if (!Number.isFinite(feature)) {
        throw cellError(table, column, row, "a number", `${value ?? "a missing value"}`);
      }
      features[row * width + k] = feature;
    });
  });
  const ofLabel = table.columns[label], ofId = id === undefined ? undefined : table.columns[id];
  if (!ofLabel) throw new RangeError(`${where}: expected a target column, got none`);
  const targets = arrangeTarget(target, table, rows, {
    get: () => ofLabel,
    id: undefined,
    weight: undefined,
    ignored: [],
  });
  const ids = ofId && nameReader(ofId);
  const dataset = Dataset.of({
    ...{ features, targets, shape: input.shape, task: target.task, schema },
    numClasses: target.classes.length,
  });
  return {
    dataset: trustFinite(dataset),
    rows,
    counts: new Map(),
    ignored: [],
    ...(ids && { ids: Array.from(rows, (row) => ids(row) ?? "") }),
  };
}

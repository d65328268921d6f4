/**
 * Options of tables, divided among the reader and the maker of schemas.
 *
 * @module
 */

import type { RawTable, ReadTableOptions } from "../formats/raw_table.ts";
import { numberedClasses } from "../schema/array_schema.ts";
import { isCondition, parseCondition } from "../schema/condition.ts";
import type { SchemaOptions } from "../schema/options.ts";
import type { TableDataOptions } from "./options.ts";

/** Collects the declarations of the owner of a table from the options. */
export function schemaOptions(
  { labelColumn, featureColumns, ...table }: TableDataOptions,
): SchemaOptions {
  const target = table.target ?? labelColumn, inputs = table.inputs ?? featureColumns;
  return {
    ...table,
    // Columns that are left out are not read.
    exclude: [],
    ...(target !== undefined && { target }),
    ...(inputs && { inputs }),
  };
}

/**
 * Adds the classes of a number of classes: they are numbers unless the target has names.
 *
 * @throws {RangeError} If the target has another number of names.
 */
export function withClasses(
  options: SchemaOptions,
  table: RawTable,
  numClasses: number | undefined,
): SchemaOptions {
  const { target = table.columns.length - 1, classes } = options;
  if (numClasses === undefined) return options;
  const column = table.columns.find(({ name }, place) => place === target || name === target);
  const count = classes?.length ?? column?.texts?.length ?? numClasses;
  if (!Number.isInteger(numClasses) || numClasses < 1 || count !== numClasses) {
    throw new RangeError(
      `Cannot use ${table.name}: expected a number of classes${
        count === numClasses ? " from 1" : ` of ${count}, as many as there are`
      }, got ${numClasses}`,
    );
  }
  return classes || column?.texts ? options : { ...options, classes: numberedClasses(numClasses) };
}

/** Collects the options of the reader. */
export function readOptions(table: TableDataOptions): ReadTableOptions {
  const { exclude = [], excludeColumns = [], textColumns = [], idColumn, ...others } = table;
  return {
    ...others,
    excludeColumns: [...exclude, ...excludeColumns],
    // Long ids are no numbers.
    textColumns: [...textColumns, ...(idColumn === undefined ? [] : [idColumn])],
    expectedNames: namesIn(schemaOptions(table)),
  };
}

/** Lists the names of columns in options: a first line that has one of them is a header. */
function namesIn({ target, inputs = [], idColumn, weightColumn, categories = [] }: SchemaOptions) {
  const targets = typeof target === "object" ? target : [target];
  return [...targets, ...inputs, idColumn, weightColumn, ...categories].flatMap((column) => {
    if (typeof column !== "string") return [];
    return isCondition(column) ? [column, parseCondition(column).column] : [column];
  });
}

/**
 * Converts the indices of columns in a file to their places in the table: they differ where columns
 * were left out.
 *
 * @throws {RangeError} If there is no such column.
 */
export function placedOptions(options: SchemaOptions, table: RawTable): SchemaOptions {
  if (table.columns.every(({ index }, place) => index === place)) return options;
  const placed = <T extends string | number>(column: T): T | number => {
    if (typeof column === "string") return column;
    const place = table.columns.findIndex(({ index }) => index === column);
    if (place >= 0) return place;
    throw new RangeError(
      `Cannot use ${table.name}: expected the index of a column that is read (${
        table.columns.map(({ index }) => index).slice(0, 20).join(", ")
      }), got ${column}`,
    );
  };
  const { target, inputs, idColumn, weightColumn, categories } = options;
  return {
    ...options,
    ...(target !== undefined &&
      { target: typeof target === "object" ? target.map(placed) : placed(target) }),
    ...(inputs && { inputs: inputs.map(placed) }),
    ...(idColumn !== undefined && { idColumn: placed(idColumn) }),
    ...(weightColumn !== undefined && { weightColumn: placed(weightColumn) }),
    ...(categories && { categories: categories.map(placed) }),
  };
}

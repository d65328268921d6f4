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
  const { target = table.columns.at(-1)?.index, classes } = options;
  if (numClasses === undefined) return options;
  const column = table.columns.find(({ name, index }) => index === target || name === target);
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

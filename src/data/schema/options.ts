/**
 * Declarations of the owner of a table.
 *
 * @module
 */

import type { MissingValues, Task } from "./schema.ts";

/** Declarations that hold for a table whatever the schema. */
export interface ArrangeOptions {
  /**
   * Column of ids, which rows that belong together share: its name, or its index from 0. It is not
   * an input.
   *
   * @default None.
   */
  idColumn?: string | number;
  /**
   * Column of the weights of rows in the training loss: its name, or its index from 0. It is not an
   * input.
   *
   * @default None.
   */
  weightColumn?: string | number;
  /**
   * Units of the columns by name. A unit may also stand in the header, as in `age [years]`.
   *
   * @default None.
   */
  units?: Readonly<Record<string, string>>;
  /**
   * Target of a schema that is made from the table: the name or index of a column, a condition such
   * as `target > 0`, or the columns of several measures or labels. By a schema with names of
   * columns it is not needed.
   *
   * @default The last column.
   */
  target?: string | number | readonly (string | number)[];
  /**
   * Treatment of rows without a target: refuse the table, or leave the row out.
   *
   * @default {"error"}
   */
  missingTarget?: "error" | "drop";
}

/** Declarations from which a schema is made where there is none yet. */
export interface SchemaOptions extends ArrangeOptions {
  /**
   * Task.
   *
   * @default Several columns are labels if all are true or false, else measures. One column has
   * classes unless it has fractions.
   */
  task?: Task;
  /**
   * Names of the classes, in the order of the model's outputs.
   *
   * @default The classes found: from 0 to the largest if all are whole numbers, 0 among them, else
   * sorted.
   */
  classes?: readonly string[];
  /**
   * Columns of the inputs, in this order: their names, or their indices from 0.
   *
   * @default All columns but those of target, ids and weights.
   */
  inputs?: readonly (string | number)[];
  /** Columns that are no inputs: their names, or their indices from 0. Default: none. */
  exclude?: readonly (string | number)[];
  /** Columns of numbers that are categories, and columns of texts that have over 1000 of them. */
  categories?: readonly (string | number)[];
  /**
   * Columns of categories that are all different, although sites have none in common or they differ
   * only in case, blanks or Unicode form: their names, or their indices from 0.
   *
   * @default None: such categories are refused.
   */
  disjointCategories?: readonly (string | number)[];
  /**
   * Treatment of missing values, by column; that under `""` is for all other columns. A mean,
   * median or most frequent value is computed from the rows to train on.
   *
   * @default They are an error.
   */
  missing?: Readonly<Record<string, MissingValues>>;
  /**
   * Texts that stand for a missing value in all columns. Those that readers do not know by default
   * become part of the schema.
   *
   * @default Those that readers know.
   */
  readonly missingValues?: readonly string[];
  /** Further texts that stand for a missing value in one column, by its name. Default: none. */
  readonly missingValuesOf?: Readonly<Record<string, readonly string[]>>;
  /**
   * Treatment of categories that are not listed.
   *
   * @default {"error"}
   */
  unknownCategory?: "error" | "other";
  /**
   * Standardization of number columns, and of the measures of a regression.
   *
   * @default {false}
   */
  standardize?: boolean;
  /**
   * Shape of a row, such as `[28, 28, 1]`, which makes all input columns one array or image.
   *
   * @default Each column is an input.
   */
  shape?: readonly number[];
  /**
   * Factor by which the values of an array are multiplied; it makes all input columns one array.
   *
   * @default {1}
   */
  scale?: number;
}

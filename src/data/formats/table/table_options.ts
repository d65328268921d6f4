/**
 * Options and result of the readers of tables.
 *
 * @module
 */

import type { Dataset } from "../../dataset.ts";

/** Options of all readers of tables. */
export interface TableOptions {
  /**
   * Column of the labels: its name, or its index from 0.
   *
   * @default The last column.
   */
  labelColumn?: string | number;
  /**
   * Columns of the features, in this order: their names, or their indices from 0.
   *
   * @default All columns but those of labels and ids.
   */
  featureColumns?: readonly (string | number)[];
  /**
   * Column of ids, which rows that belong together share, such as the writer of a letter: its name,
   * or its index from 0. It is not a feature.
   *
   * @default None.
   */
  idColumn?: string | number;
  /**
   * Number of classes.
   *
   * @default One more than the largest label, or the number of class names.
   */
  numClasses?: number;
  /**
   * Names of the classes in the order of their labels. They are needed when the tables of several
   * clients must agree and some lack a class.
   *
   * @default The names in the table, sorted.
   */
  classes?: readonly string[];
  /**
   * Factor by which each feature is multiplied.
   *
   * @default {1}
   */
  scale?: number;
  /**
   * Name of the table in messages.
   *
   * @default The name of the format.
   */
  name?: string;
}

/** Data set that was read from a table. */
export interface TableDataset {
  /** Samples, of row shape `[number of feature columns]`. */
  readonly dataset: Dataset;
  /** Name of each class, from the label column, or its number. Length `dataset.numClasses`. */
  readonly classes: readonly string[];
  /** Names of the feature columns, where the table has a header. */
  readonly columns: readonly string[] | undefined;
  /** Id of each row, where there is an `idColumn`; `partitionIds()` partitions the rows by it. */
  readonly ids: readonly string[] | undefined;
}

/** Differences between the formats of tables. */
export interface TableForm {
  /** True if the first row is a header, `"auto"` to find out. */
  header: boolean | "auto";
  /** Unit in which rows are counted in messages. */
  unit: "line" | "row";
}

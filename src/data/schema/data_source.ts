/**
 * Data that are arranged when the schema of a run is known.
 *
 * @module
 */

import type { Dataset } from "../dataset.ts";
import type { RawTable } from "../formats/raw_table.ts";
import type { Schema } from "./schema.ts";
import type { SchemaOptions } from "./options.ts";

/** Data of a source, arranged by a schema. */
export interface ArrangedData {
  /** Rows to train on, whose `schema` is that by which they are arranged. */
  readonly train: Dataset;
  /** Rows to evaluate on, where the source has them. */
  readonly test?: Dataset;
  /** Id of each row of `train`, where the source has a column of ids. */
  readonly ids?: readonly string[];
  /** Lines for the log: columns that were ignored, values that were filled in, rows left out. */
  readonly notes: readonly string[];
}

/** Tables of a source, and the declarations of their owner. */
export interface SourceTables {
  /** Rows to train on. */
  readonly train: RawTable;
  /** Rows to evaluate on, where there is a table of them. */
  readonly test?: RawTable;
  /** Target, kinds, policies and units that the owner has declared. */
  readonly options: SchemaOptions;
}

/** Data that are arranged when the schema of a run is known, such as a table in a file. */
export interface DataSource {
  /** Name in messages, such as the path of a file. */
  readonly name: string;
  /** True for data that have ids without being a table. */
  readonly hasIds?: boolean;
  /**
   * Arranges the data by a schema: columns by name, classes by name, missing values by its
   * policies.
   *
   * @param schema The schema. Default: one that is made from the data themselves.
   * @throws {RangeError | SyntaxError | TypeError} If the data do not fit. The message has one
   * line, which names the first difference.
   */
  arrange(schema: Schema | undefined): Promise<ArrangedData>;
  /** Reads the tables of the source; `undefined` for data that are no table. */
  tables?(): Promise<SourceTables>;
}

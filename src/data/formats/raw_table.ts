/**
 * Table as it is read from a file, before it is arranged for a model.
 *
 * @module
 */

/**
 * Column of a table. A column of which every value that is not missing is a number has `numbers`;
 * any other has `codes` and `texts`.
 */
export interface RawColumn {
  /** Name; `undefined` where the table has no header. */
  readonly name: string | undefined;
  /** Values, `NaN` for a missing one. */
  readonly numbers?: Float64Array;
  /** Index in `texts` of each value, -1 for a missing one. */
  readonly codes?: Int32Array;
  /** The different texts, in order of appearance. */
  readonly texts?: readonly string[];
}

/** Table as it is read from a file. */
export interface RawTable {
  /** Name in messages: the path of the file, or of the first file. */
  readonly name: string;
  /** Number of rows. */
  readonly length: number;
  /** Columns, all of `length` values. */
  readonly columns: readonly RawColumn[];
  /** Returns the place of a row for messages, such as `line 12`. */
  place(row: number): string;
}

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
  /** Place of the column in the file, from 0. */
  readonly index: number;
  /** Values, `NaN` for a missing one; `Infinity` is possible. */
  readonly numbers?: Float64Array;
  /** Index in `texts` of each value, -1 for a missing one. */
  readonly codes?: Int32Array;
  /** The different texts, in canonical spelling. */
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
  /** Remarks about what was read, such as a column of row numbers that was left out. */
  readonly notes: readonly string[];
  /** Files that the rows are of, where there are several. */
  readonly files?: {
    /** Paths of the files. */
    readonly names: readonly string[];
    /** Returns the index of the file of a row. */
    of(row: number): number;
  };
  /** Returns the place of a row for messages, such as `line 12`. */
  place(row: number): string;
}

/** Progress of the reading of a file. */
export interface ReadProgress {
  /** Path of the file. */
  readonly file: string;
  /** Bytes that have been read. */
  readonly bytes: number;
  /** Bytes of the file. */
  readonly total: number;
}

/** Options for reading a table. */
export interface ReadTableOptions {
  /**
   * Columns to read, by name or by index from 0; all others are skipped.
   *
   * @default All.
   */
  readonly columns?: readonly (string | number)[];
  /**
   * Columns to leave out, by name or by index from 0.
   *
   * @default None.
   */
  readonly excludeColumns?: readonly (string | number)[];
  /**
   * Columns of which the values are texts even if all are numbers, such as long ids.
   *
   * @default None.
   */
  readonly textColumns?: readonly (string | number)[];
  /**
   * Names that the table may be expected to have: a first line with one of them is a header.
   *
   * @default None.
   */
  readonly expectedNames?: readonly string[];
  /**
   * Texts that stand for a missing value.
   *
   * @default {MISSING_VALUES}
   */
  readonly missingValues?: readonly string[];
  /**
   * Further texts that stand for a missing value in one column, by its name.
   *
   * @default None.
   */
  readonly missingValuesOf?: Readonly<Record<string, readonly string[]>>;
  /**
   * True if the first line is a header. With `"auto"` the lines below decide; where they leave a
   * doubt, reading fails. For text files only.
   *
   * @default {"auto"}
   */
  readonly header?: boolean | "auto";
  /**
   * Separator of fields: one or more characters, or `"blank"` for any run of spaces and tabs. For
   * text files only.
   *
   * @default A comma, or as a first line `sep=;` says; a tab for `.tsv`; for `.txt` and `.data` as
   * the first lines have it.
   */
  readonly delimiter?: string;
  /**
   * Decimal separator. For text files only.
   *
   * @default {"."}
   */
  readonly decimal?: "." | ",";
  /**
   * Beginning of the lines that are comments. For text files only.
   *
   * @default None.
   */
  readonly comment?: string;
  /**
   * Lines to skip at the beginning of the file. For text files only.
   *
   * @default {0}
   */
  readonly skipRows?: number;
  /**
   * Encoding of the text, as `TextDecoder` names it, such as `"windows-1252"`.
   *
   * @default UTF-8, or UTF-16 as a byte order mark says.
   */
  readonly encoding?: string;
  /**
   * Number of feature columns of a libsvm file.
   *
   * @default The largest index.
   */
  readonly sparseColumns?: number;
  /** Called from time to time while a file is read. */
  readonly onProgress?: (progress: ReadProgress) => void;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

/** Texts that stand for a missing value, unless others are given. */
export const MISSING_VALUES: readonly string[] = [
  ...["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "?", "-", "na"],
];

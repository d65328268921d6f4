/**
 * Reading CSV: a table of numbers with one column of class labels.
 *
 * @module
 */

import { errorMessage } from "../../../base/errors.ts";
import { MAX_LINE } from "../../limits.ts";
import { checkLines } from "./long_line.ts";
import { TableBuilder, type TableDataset, type TableOptions } from "./table_builder.ts";
import { CsvError, parseCsv } from "./csv_parse.ts";

/** How {@linkcode parseCsvDataset} reads a table. */
export interface CsvDatasetOptions extends TableOptions {
  /**
   * Whether line 1 holds names. Default `"auto"`: it does when none of its feature columns is a number, or when they count
   * up (`0, 1, 2`) and its label is the only one that is not a number. Where that cannot be told, because one of these fields
   * is empty, `NaN` or `?`, or the label is a number, it is an error.
   */
  header?: boolean | "auto";
  /** What stands between fields, one or more characters. Default `","`. */
  delimiter?: string;
}

/** What a fault of quoting is called for a user; `line` is that of the last whole row before it. */
function syntaxFault(error: CsvError, line: number): string {
  switch (error.code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return `a quoted field that begins after line ${line} is not closed`;
    case "INVALID_OPENING_QUOTE":
      return `line ${error.lines}: a quote stands inside a field that does not begin with one`;
    case "CSV_INVALID_CLOSING_QUOTE":
      return `line ${error.lines}: a closing quote is followed by more than a delimiter`;
    case "CSV_MAX_RECORD_SIZE":
      return `expected at most ${MAX_LINE} characters in the row after line ${line}, got more`;
    default:
      return errorMessage(error);
  }
}

/**
 * Reads a table whose columns are numbers but for one column of class labels.
 *
 * Labels that are all whole numbers from 0 are used as they are; labels that are names are numbered in sorted order. Numbers
 * among names, and marks such as `NaN` and `?`, are labels only when `classes` names them. A byte order mark, quoted fields,
 * blank lines and any line ending are understood. A browser cannot do it.
 *
 * Throws a `SyntaxError` that names the line and column for a ragged row, a field that is not a
 * number, broken quoting, a row of more than 16 Mi characters or a table without rows, and a
 * `RangeError` for a label column or a label that is not among those allowed.
 *
 * @example Two flowers
 * ```ts
 * import { parseCsvDataset } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const { dataset, classes } = parseCsvDataset("length,width,kind\n1.4,0.2,setosa\n4.7,1.4,iris\n");
 * assertEquals(classes, ["iris", "setosa"]);
 * assertEquals([...dataset.labels], [1, 0]);
 * assertEquals(dataset.shape, [2]);
 * ```
 */
export function parseCsvDataset(text: string, options: CsvDatasetOptions = {}): TableDataset {
  const { name = "CSV text", delimiter = ",", header = "auto" } = options;
  if (delimiter === "" || /["\r\n]/.test(delimiter)) {
    throw new TypeError(
      `Cannot read ${name}: expected a delimiter without quotes and line ends, got ${
        JSON.stringify(delimiter)
      }`,
    );
  }
  if (!("Buffer" in globalThis)) {
    throw new TypeError(`Cannot read ${name}: CSV is read where there is Buffer, not in a browser`);
  }
  checkLines(text, name);
  const builder = new TableBuilder(name, options, { header, unit: "line" });
  try {
    parseCsv(text, {
      bom: true,
      delimiter,
      record_delimiter: ["\r\n", "\n", "\r"],
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
      // A quoted field may go on over many lines.
      max_record_size: MAX_LINE,
      // Rows are turned into numbers one by one, so that a large table is never held as strings.
      on_record: (record: string[], { lines }) => {
        builder.add(record, lines);
        return null;
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new SyntaxError(`Cannot read ${name}: ${syntaxFault(error, builder.line)}`, {
      cause: error,
    });
  }
  return builder.finish();
}

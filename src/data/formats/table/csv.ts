/**
 * Parser of CSV: a table of numbers with a column of class labels.
 *
 * @module
 */

import { errorMessage } from "../../../base/errors.ts";
import { MAX_LINE } from "../../limits.ts";
import { checkLines } from "./long_line.ts";
import { CsvError, parseCsv } from "./csv_parse.ts";
import { TableBuilder } from "./table_builder.ts";
import type { TableDataset, TableOptions } from "./table_options.ts";

/** Options of {@linkcode parseCsvDataset}. */
export interface CsvDatasetOptions extends TableOptions {
  /**
   * True if line 1 is a header. With `"auto"` it is one when none of its features is a number, or
   * when they count up (`0, 1, 2`) and its label is the only one that is no number. Where that
   * leaves a doubt, because such a field is empty, `NaN` or `?`, or the label is a number, reading
   * fails.
   *
   * @default {"auto"}
   */
  header?: boolean | "auto";
  /**
   * Separator of fields, one or more characters.
   *
   * @default {","}
   */
  delimiter?: string;
}

/** Describes an error of csv-parse; `line` is that of the last complete row. */
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
 * Parses a table of numbers with a column of class labels. It is not available in a browser.
 *
 * Labels that are all whole numbers from 0 are kept; names are numbered in sorted order. Numbers
 * among names, and marks such as `NaN` and `?`, are labels only if `classes` has them. A byte order
 * mark, quoted fields, blank lines and all line endings are accepted.
 *
 * @throws {SyntaxError} If a row has another number of fields, a field is no number, quotes do not
 * match, a row has more than 16 Mi characters, or there are no rows. The message names line and
 * column.
 * @throws {RangeError} If there is no such column, or a label is not among those allowed.
 * @throws {TypeError} If the delimiter is empty or has quotes or line ends, or in a browser.
 *
 * @example Two flowers
 * ```ts
 * import { parseCsvDataset } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const text = "length,width,kind\n1.4,0.2,setosa\n4.7,1.4,iris\n";
 * const { dataset, classes } = parseCsvDataset(text);
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
      // Rows are converted one by one, so that a large table is never held as strings.
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

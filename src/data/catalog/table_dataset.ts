/**
 * Tables as data sets, without the schema of a federation.
 *
 * @module
 */

import type { Dataset } from "../dataset.ts";
import { CsvReader } from "../formats/csv/csv.ts";
import { readJson } from "../formats/json/json.ts";
import { JsonLinesReader } from "../formats/json/json_lines.ts";
import type { RawTable } from "../formats/raw_table.ts";
import { MAX_JSON } from "../limits.ts";
import { arrangeTable } from "../schema/arrange.ts";
import { makeSchema } from "../schema/schema_of.ts";
import type { TableDataOptions } from "./options.ts";
import { readOptions, schemaOptions, withClasses } from "./table_options.ts";

/** Options of {@linkcode readTableDataset}. */
export interface TableDatasetOptions extends TableDataOptions {
  /**
   * Number of classes, which are then the whole numbers from 0.
   *
   * @default The number of class names.
   */
  numClasses?: number;
}

/** Options of the parsers of tables. */
export interface ParseTableOptions extends TableDatasetOptions {
  /**
   * Name of the table in messages.
   *
   * @default The name of the format.
   */
  name?: string;
}

/** Data set that was read from a table. */
export interface TableDataset {
  /** Samples, with the `schema` that was made from the table. */
  readonly dataset: Dataset;
  /** Name of each class in the order of their numbers; empty where the target is no class. */
  readonly classes: readonly string[];
  /** Names of the input columns, where the table has a header. */
  readonly columns: readonly string[] | undefined;
  /** Id of each row, where there is an `idColumn`; `partitionIds()` partitions the rows by it. */
  readonly ids: readonly string[] | undefined;
}

/** Makes a data set of a table by a schema of its own. */
export function datasetOf(table: RawTable, options: TableDatasetOptions): TableDataset {
  const { numClasses, ...declared } = options;
  const made = withClasses(schemaOptions(declared), table, numClasses);
  const { schema } = makeSchema([table], made);
  const { dataset, ids } = arrangeTable(table, schema, made);
  const { target, inputs } = schema;
  const isNamed = table.columns.some(({ name }) => name !== undefined);
  return {
    dataset,
    classes: target.task === "classification" ? target.classes : [],
    columns: isNamed ? inputs.map(({ name }) => name) : undefined,
    ids,
  };
}

/** Characters that are encoded at a time. */
const PIECE_LENGTH = 2 ** 20;

/** Reads a text once, or twice. */
function readText(
  text: string,
  reader: { push(piece: Uint8Array): void; end(): RawTable | undefined },
): RawTable {
  const encoder = new TextEncoder();
  const start = text.startsWith("\uFEFF") ? 1 : 0;
  for (;;) {
    for (let at = start; at < text.length;) {
      let end = at + PIECE_LENGTH;
      // A character of two units is not divided.
      if (/[\uD800-\uDBFF]/.test(text[end - 1] ?? "")) end++;
      reader.push(encoder.encode(text.slice(at, end)));
      at = end;
    }
    const table = reader.end();
    if (table) return table;
  }
}

/**
 * Parses a table in CSV.
 *
 * Columns of numbers are features as they are; columns of texts are categories, one feature for
 * each. The target is the last column unless `target` says another. Class labels that are all whole
 * numbers from 0 are kept; names are numbered in sorted order.
 *
 * @throws {SyntaxError} If a row has another number of fields, a value is missing or does not fit
 * its column, quotes do not match, a row has more than 16 Mi characters, or there are no rows. The
 * message names the line.
 * @throws {RangeError} If there is no such column, or a label is not among the `classes`.
 * @throws {TypeError} If an option is wrong.
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
export function parseCsvDataset(text: string, options: ParseTableOptions = {}): TableDataset {
  const { name = "CSV text" } = options;
  const reader = new CsvReader({
    ...readOptions(options),
    name,
    size: text.length,
    usualDelimiter: ",",
  });
  return datasetOf(readText(text, reader), options);
}

/**
 * Parses a table in JSON: an array of objects, one for each row, an object of columns, each an
 * array or an object, or one of the other forms of `readTable()`.
 *
 * Columns, labels and classes are those of `parseCsvDataset()`; numbers may be strings. Messages
 * count rows from 1. Keys that are whole numbers come before all others, so that the label column
 * is best given by its name.
 *
 * @throws {SyntaxError} If the text is not JSON or has more than 64 Mi characters, or a value is
 * missing or does not fit its column. The message names row and key.
 * @throws {RangeError} If there is no such column, or a label is not among the `classes`.
 *
 * @example Two flowers
 * ```ts
 * import { parseJsonDataset } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const text = '{ "kind": ["setosa", "iris"], "width": [0.2, 1.4] }';
 * const { dataset, classes } = parseJsonDataset(text, { labelColumn: "kind" });
 * assertEquals(classes, ["iris", "setosa"]);
 * assertEquals([...dataset.labels], [1, 0]);
 * ```
 */
export function parseJsonDataset(text: string, options: ParseTableOptions = {}): TableDataset {
  const { name = "JSON text" } = options;
  if (text.length > MAX_JSON) {
    throw new SyntaxError(
      `Cannot read ${name}: expected at most ${MAX_JSON} characters, got ${text.length}`,
    );
  }
  return datasetOf(readJson(text, name, readOptions(options)), options);
}

/**
 * Parses a table in JSON lines: one object per line. Blank lines are skipped.
 *
 * @throws {SyntaxError} If a line is not JSON or has more than 16 Mi characters, or a value is
 * missing or does not fit its column. The message names line and key.
 * @throws {RangeError} If there is no such column, or a label is not among the `classes`.
 *
 * @example Two flowers
 * ```ts
 * import { parseJsonLinesDataset } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const text = '{"width": 0.2, "kind": 1}\n{"width": 1.4, "kind": 0}\n';
 * const { dataset } = parseJsonLinesDataset(text);
 * assertEquals([...dataset.labels], [1, 0]);
 * ```
 */
export function parseJsonLinesDataset(text: string, options: ParseTableOptions = {}): TableDataset {
  const { name = "JSON lines" } = options;
  const reader = new JsonLinesReader(name, readOptions(options));
  return datasetOf(readText(text, reader), options);
}

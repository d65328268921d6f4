/**
 * Reader of tables in files, for all formats.
 *
 * @module
 */

import { readBytes } from "../../file.ts";
import { MAX_JSON, MAX_TEXT } from "../../limits.ts";
import { checkLinesOfBytes } from "./long_line.ts";
import { listNames } from "./cells.ts";
import type { TableDataset } from "./table_options.ts";
import { type CsvDatasetOptions, parseCsvDataset } from "./csv.ts";
import { parseJsonDataset, parseJsonLinesDataset } from "./json.ts";

/** Options of {@linkcode readTableDataset}. `header` and `delimiter` are for CSV alone. */
export type ReadTableOptions = Omit<CsvDatasetOptions, "name">;

interface TableFormat {
  readonly name: string;
  /** Most bytes of a file. */
  readonly most: number;
  /** Advice for a larger file. */
  readonly wayOut: string;
  readonly parse: (text: string, options: CsvDatasetOptions) => TableDataset;
}

const OF_LINES = { most: MAX_TEXT, wayOut: ", split it" };
const CSV: TableFormat = { name: "CSV", ...OF_LINES, parse: parseCsvDataset };
const JSON_LINES: TableFormat = { name: "JSON lines", ...OF_LINES, parse: parseJsonLinesDataset };

const FORMATS: ReadonlyMap<string, TableFormat> = new Map([
  ["csv", CSV],
  ["tsv", {
    name: "TSV",
    ...OF_LINES,
    parse: (text, options) => parseCsvDataset(text, { delimiter: "\t", ...options }),
  }],
  ["json", {
    name: "JSON",
    most: MAX_JSON,
    wayOut: ", write it as JSON lines (.jsonl)",
    parse: parseJsonDataset,
  }],
  ["jsonl", JSON_LINES],
  ["ndjson", JSON_LINES],
]);

function extensionOf(path: string): string {
  return /\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase() ?? "";
}

/** Returns true if a path has the extension of a table. */
export function isTablePath(path: string): boolean {
  return FORMATS.has(extensionOf(path));
}

/**
 * Reads a table from a file in UTF-8. Its extension determines the format: `.csv` for
 * `parseCsvDataset()`, `.tsv` for the same with tabs, `.json` for `parseJsonDataset()`, `.jsonl`
 * and `.ndjson` for `parseJsonLinesDataset()`. Any other file is read as CSV. Messages name the
 * path.
 *
 * @throws {Error} A class of `Deno.errors`, if the file cannot be read.
 * @throws {TypeError} If the path leads to a pipe or a device.
 * @throws {RangeError} If the file is larger than 512 MiB, or 64 MiB for `.json`.
 * @throws {SyntaxError} If the file is not in UTF-8.
 * @throws {SyntaxError | RangeError | TypeError} As the parser of the format throws.
 */
export async function readTableDataset(
  path: string,
  options: ReadTableOptions = {},
): Promise<TableDataset> {
  const { name, parse, most, wayOut } = FORMATS.get(extensionOf(path)) ?? CSV;
  const text = await readText(path, { most, wayOut, name });
  return parse(text, { ...options, name: path });
}

/** Reads the text of a file in UTF-8. */
async function readText(
  path: string,
  { most, wayOut, name }: Pick<TableFormat, "most" | "wayOut" | "name">,
): Promise<string> {
  const bytes = await readBytes(path, { most, wayOut });
  if (most === MAX_TEXT) checkLinesOfBytes(bytes, path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SyntaxError(
      `Cannot read ${path}: expected a ${name} file in UTF-8, got other bytes`,
      { cause },
    );
  }
}

function sameNames(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (!a || !b) return true;
  return a.length === b.length && a.every((name, i) => name === b[i]);
}

/**
 * Reads a table to train on and one to test on. The classes of the first are those of both.
 *
 * @throws {RangeError} If the classes or feature columns of the test table differ. The message
 * names the test table.
 * @throws {Error} As {@linkcode readTableDataset} rejects.
 */
export async function readTablePair(
  trainPath: string,
  testPath: string,
  options: ReadTableOptions = {},
): Promise<{ train: TableDataset; test: TableDataset }> {
  const train = await readTableDataset(trainPath, options);
  const found = await readTableDataset(testPath, options);
  const known = new Set(train.classes);
  const strange = found.classes.filter((name) => !known.has(name));
  if (strange.length > 0) {
    throw new RangeError(
      `Cannot test on ${testPath}: expected the classes ${
        listNames(train.classes)
      } of ${trainPath}, got ${listNames(strange)} as well, name all classes`,
    );
  }
  if (!sameNames(train.columns, found.columns)) {
    throw new RangeError(
      `Cannot test on ${testPath}: expected the features ${
        listNames(train.columns ?? [])
      } of ${trainPath}, got ${listNames(found.columns ?? [])}`,
    );
  }
  if (train.dataset.rowLength !== found.dataset.rowLength) {
    throw new RangeError(
      `Cannot test on ${testPath}: expected ${train.dataset.rowLength} features as in ${trainPath}, got ${found.dataset.rowLength}`,
    );
  }
  if (sameNames(train.classes, found.classes)) return { train, test: found };
  // The test table lacks a class, so that its own numbering differs.
  const counted = train.classes.every((name, label) => name === `${label}`);
  const test = await readTableDataset(testPath, {
    ...options,
    ...counted ? { numClasses: train.classes.length } : { classes: train.classes },
  });
  return { train, test };
}

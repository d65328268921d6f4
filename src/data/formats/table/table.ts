/**
 * Reading a table from a file of any known format.
 *
 * @module
 */

import { readBytes } from "../../file.ts";
import { MAX_JSON, MAX_TEXT } from "../../limits.ts";
import { checkLinesOfBytes } from "./long_line.ts";
import type { TableDataset, TableOptions } from "./table_builder.ts";
import { type CsvDatasetOptions, parseCsvDataset } from "./csv.ts";
import { parseJsonDataset, parseJsonLinesDataset } from "./json.ts";

export type { TableDataset, TableOptions };

/** How {@linkcode readTableDataset} reads a file. `header` and `delimiter` are for CSV alone. */
export type ReadTableOptions = Omit<CsvDatasetOptions, "name">;

interface TableFormat {
  readonly name: string;
  /** Most bytes of a file. */
  readonly most: number;
  /** What to do with a larger one. */
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

/** Whether a path is called as a table is. */
export function isTablePath(path: string): boolean {
  return FORMATS.has(extensionOf(path));
}

/**
 * Reads a table from a file in UTF-8 whose name tells its format: `.csv` as `parseCsvDataset()` does, `.tsv` the same with
 * tabs, `.json` as `parseJsonDataset()`, `.jsonl` and `.ndjson` as `parseJsonLinesDataset()`. Any other is read as CSV. The path
 * stands in error messages.
 *
 * Throws a `Deno.errors` class of one line when the file cannot be read, a `TypeError` when it is
 * no file but a pipe or a device, a `RangeError` when it is larger than 512 MiB, `.json` 64 MiB, a
 * `SyntaxError` when it is not UTF-8, and what the format's reader throws.
 */
export async function readTableDataset(
  path: string,
  options: ReadTableOptions = {},
): Promise<TableDataset> {
  const { name, parse, most, wayOut } = FORMATS.get(extensionOf(path)) ?? CSV;
  const text = await readText(path, { most, wayOut, name });
  return parse(text, { ...options, name: path });
}

/** The text of a file in UTF-8; its bytes are held no longer than that. */
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

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 20).join(", ");
  return names.length > 20 ? `${shown} and ${names.length - 20} more` : shown;
}

/**
 * Reads a table to learn from and one to test on, which must mean the same: the classes of the first are those of both.
 *
 * Throws what {@linkcode readTableDataset} throws, and a `RangeError` that names the test table when its classes or feature
 * columns are others.
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
        listed(train.classes)
      } of ${trainPath}, got ${listed(strange)} as well, name all classes`,
    );
  }
  if (!sameNames(train.columns, found.columns)) {
    throw new RangeError(
      `Cannot test on ${testPath}: expected the features ${
        listed(train.columns ?? [])
      } of ${trainPath}, got ${listed(found.columns ?? [])}`,
    );
  }
  if (train.dataset.rowLength !== found.dataset.rowLength) {
    throw new RangeError(
      `Cannot test on ${testPath}: expected ${train.dataset.rowLength} features as in ${trainPath}, got ${found.dataset.rowLength}`,
    );
  }
  if (sameNames(train.classes, found.classes)) return { train, test: found };
  // The test table lacks a class, so that its own numbers mean something else.
  const counted = train.classes.every((name, label) => name === `${label}`);
  const test = await readTableDataset(testPath, {
    ...options,
    ...counted ? { numClasses: train.classes.length } : { classes: train.classes },
  });
  return { train, test };
}

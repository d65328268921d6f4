import { errorMessage } from "../../base/errors.ts";
import { open } from "../../data/catalog/open.ts";
import type { TextDataOptions } from "../../data/catalog/options.ts";
import type { DownloadProgress } from "../../data/catalog/transfer.ts";
import { parseTextForm } from "../../data/text/form.ts";
import { isNamedData } from "../../data/catalog/synthetic_name.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { DataSource } from "../../data/schema/data_source.ts";
import { parseSchema } from "../../data/schema/parse.ts";
import type { Schema } from "../../data/schema/schema.ts";
import { DATA_SET, type DataFlags } from "../options/data.ts";
import { FILES } from "../options/files.ts";
import { flagOf, UsageError } from "../options/option.ts";
import { missingFrom, POLICY_NAMES, SCHEMA } from "../options/schema.ts";
import { libraryOptions } from "../options/table.ts";
import { readJson } from "../output/json_file.ts";
import { ProgressBar } from "../output/progress_bar.ts";
import { bytes as inUnits } from "../../display/amounts.ts";
import { isTerminal, printError } from "../output/terminal.ts";

/** Largest schema in bytes: a million categories. */
const MAX_SCHEMA_BYTES = 2 ** 27;

/** Names of the options that only texts have, which a tokenizer divides. */
const TEXT_NAMES: readonly (keyof DataFlags)[] = ["tokenizer", "maxTokens", "textColumn"];

/** Names of the options that only tables have. */
const TABLE_NAMES = [
  ...Object.entries({ ...DATA_SET, ...SCHEMA, ...FILES })
    .flatMap(([name, spec]) => "library" in spec ? [name as keyof DataFlags] : [])
    .filter((name) => !TEXT_NAMES.includes(name)),
  ...POLICY_NAMES,
];

/** Names of the options that folders of images have as well. */
const FOR_IMAGES: readonly (keyof DataFlags)[] = ["shape", "classes"];

/** Data set of a command. */
export interface CommandData {
  /** Name or path of the data set. */
  readonly name: string;
  /** Rows to train on. */
  readonly train: Dataset;
  /** Rows to test on, where the data set has them. */
  readonly test?: Dataset;
  /** Id of each row of `train`, where there is a column of ids. */
  readonly ids?: readonly string[];
  /** Lines about what became of the data, such as values that were filled in. */
  readonly notes: readonly string[];
}

/**
 * Throws a `UsageError` for a value of `--standardize`: in an earlier version it was a file that a
 * server wrote.
 */
export function checkStandardize({ standardize }: Pick<DataFlags, "standardize">): void {
  if (standardize === undefined || standardize === true) return;
  throw new UsageError(
    `expected --standardize without a file, got ${standardize}: the server's schema has means and deviations, and clients standardize by it without an option`,
  );
}

/** Reads a schema from a JSON file. */
export async function readSchema(path: string): Promise<Schema> {
  const value = await readJson(path, "schema", { most: MAX_SCHEMA_BYTES });
  try {
    return parseSchema(value);
  } catch (cause) {
    throw new TypeError(`${path}: ${errorMessage(cause)}`, { cause });
  }
}

/** Options by which a schema is made, without effect where one is given. */
const MAKING: readonly (keyof DataFlags)[] = [
  "standardize",
  "missing",
  "missingIndicator",
  "categories",
  "task",
  "disjointCategories",
  "unknownCategory",
];
/** Options that a table is compared with a schema by, without effect where there is no table. */
const COMPARED: readonly (keyof DataFlags)[] = [
  "target",
  "labelColumn",
  "featureColumns",
  "excludeColumns",
  "classes",
  "unit",
  "shape",
  "scale",
  "missingTarget",
];

/**
 * Refuses options that would have no effect since a schema is given.
 *
 * @param hasTable True if there are data that are compared with the schema.
 * @throws {UsageError} If there is one.
 */
export function checkNoMaking(flags: Partial<DataFlags>, path: string, hasTable: boolean): void {
  const idle = [...MAKING, ...hasTable ? [] : COMPARED].find((name) => flags[name] !== undefined);
  if (idle === undefined) return;
  throw new UsageError(
    `expected no ${flagOf(idle)} with --schema ${path}, which says what the data mean`,
  );
}

/**
 * Opens the data set that a command's options name, and shows the progress of downloads and of
 * large files.
 *
 * @param texts Options of texts that a schema asks for.
 * @throws {UsageError} If options of tables are given for data that is no table.
 */
export async function openSource(
  flags: DataFlags,
  signal?: AbortSignal,
  texts?: TextDataOptions,
): Promise<DataSource> {
  const { data, dataDir, standardize, testShare, sites, sequences } = flags;
  checkStandardize(flags);
  const forTables = TABLE_NAMES.filter((name) => flags[name] !== undefined);
  const areTexts = texts !== undefined || TEXT_NAMES.some((name) => flags[name] !== undefined);
  const refused = new UsageError(
    `expected a table with ${forTables.map(flagOf).join(", ")}, got ${data}`,
  );
  if (forTables.length > 0 && isNamedData(data)) throw refused;
  using bar = new FileBar();
  const { source, isTable, isImages } = await open(data, {
    ...(dataDir !== undefined && { dataDir }),
    ...(signal && { signal }),
    ...(standardize === true && { standardize }),
    ...(testShare !== undefined && { testShare }),
    ...(sites && { sites }),
    ...(sequences !== undefined && { sequences: parseTextForm(sequences) }),
    onProgress: (progress) => bar.show("Downloading", progress),
    onRead: (progress) => bar.show("Reading", progress),
    table: { ...libraryOptions("table", flags), ...missingFrom(flags) },
    ...(areTexts && { texts: { ...libraryOptions("texts", flags), ...texts } }),
  });
  const areForImages = isImages && forTables.every((name) => FOR_IMAGES.includes(name));
  const areForLines = sequences !== undefined && forTables.every((name) => name === "encoding");
  const isRefused = !isTable && !areForImages && !areTexts && !areForLines;
  if (forTables.length > 0 && isRefused) throw refused;
  return source;
}

/**
 * Loads the data set that a command's options name, arranged by a given schema, by `--schema` or by
 * a schema of its own. The errors are those of {@linkcode openSource}.
 */
export async function loadData(
  flags: DataFlags,
  signal?: AbortSignal,
  given?: Schema,
): Promise<CommandData> {
  const { schema: path } = flags;
  const schema = given ?? (path === undefined ? undefined : await readSchema(path));
  if (path !== undefined && given === undefined) checkNoMaking(flags, path, true);
  const source = await openSource(flags, signal);
  return { name: flags.data, ...await source.arrange(schema) };
}

/** Bytes of a file whose reading is shown. */
const LARGE_FILE = 2 ** 26;

/**
 * Progress of downloads and of reading large files: a bar for each file on a terminal, a line for
 * each file elsewhere.
 */
class FileBar implements Disposable {
  #file: string | undefined;
  #bar: ProgressBar | undefined;

  show(what: "Downloading" | "Reading", { file, bytes, total }: DownloadProgress): void {
    if (what === "Reading" && total < LARGE_FILE) return;
    if (this.#file !== file) {
      this.#bar?.[Symbol.dispose]();
      this.#file = file;
      this.#bar = undefined;
      if (!isTerminal()) return printError(`${what} ${file}, ${inUnits(total)}`);
      const format = "{bar} {file} {done} of {whole} | {eta_formatted}";
      const values = { file, whole: inUnits(total), done: inUnits(bytes) };
      this.#bar = new ProgressBar(format, total, bytes, values);
    }
    this.#bar?.update(bytes, { done: inUnits(bytes) });
  }

  [Symbol.dispose](): void {
    this.#bar?.[Symbol.dispose]();
  }
}

/**
 * Sources of data by name or path.
 *
 * @module
 */

import { runtime } from "../../base/runtime/runtime.ts";
import type { Dataset } from "../dataset.ts";
import { digits } from "../digits.ts";
import { fileError } from "../file.ts";
import { type IdxFiles, pairOf, pairsIn } from "../formats/idx/idx_files.ts";
import { readIdxDataset } from "../formats/idx/idx_dataset.ts";
import type { RawTable } from "../formats/raw_table.ts";
import { isTablePath, readTable } from "../formats/read_table.ts";
import { tablesIn } from "../formats/table/table_files.ts";
import { numberedClasses } from "../schema/array_schema.ts";
import { isCondition, parseCondition } from "../schema/condition.ts";
import type { DataSource } from "../schema/data_source.ts";
import type { SchemaOptions } from "../schema/options.ts";
import { arraySource } from "../sources/array_source.ts";
import { tableSource } from "../sources/table_source.ts";
import { trainTestSplit } from "../split.ts";
import { loadNamed } from "./load_named.ts";
import { DATASET_NAMES, NAMED_DATASETS, type NamedDataset } from "./named.ts";
import type { LoadDatasetOptions, TableDataOptions } from "./options.ts";

/** Split of the digits: always the same, so that server and clients agree on the test rows. */
const DIGITS_SPLIT = { seed: 0, testCount: 297 };

/** Source that was opened, and what is known of its classes. */
export interface OpenedData {
  readonly source: DataSource;
  /** Names of the classes, where a data set without columns has names. */
  readonly classes?: readonly string[];
  /** True for a table. */
  readonly isTable: boolean;
}

/**
 * Opens a source of data by name or path, which are those of `loadDataset()`. Files are read now;
 * they are arranged when the schema is known.
 *
 * @throws {Error} As `loadDataset()` rejects.
 *
 * @example The bundled digits
 * ```ts
 * import { openData } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const source = await openData("digits");
 * const { train } = await source.arrange(undefined);
 * assertEquals(train.schema?.inputs[0]?.kind, "image");
 * ```
 */
export async function openData(
  spec: string | NamedDataset,
  options: LoadDatasetOptions = {},
): Promise<DataSource> {
  return (await open(spec, options)).source;
}

/** Opens a source of data, and says what it is. */
export async function open(
  spec: string | NamedDataset,
  options: LoadDatasetOptions,
): Promise<OpenedData> {
  if (spec === "digits") {
    return ofArrays(spec, trainTestSplit(await digits(), DIGITS_SPLIT), options);
  }
  const named = typeof spec === "string" ? NAMED_DATASETS.get(spec) : spec;
  if (named) {
    const { classes, name } = named;
    return { ...ofArrays(name, await loadNamed(named, options), options), classes };
  }
  return await openPath(spec as string, options);
}

function ofArrays(
  name: string,
  data: { readonly train: Dataset; readonly test?: Dataset },
  { standardize = false }: LoadDatasetOptions,
): OpenedData {
  return { source: arraySource({ name, ...data, standardize }), isTable: false };
}

async function openPath(path: string, options: LoadDatasetOptions): Promise<OpenedData> {
  let info: Deno.FileInfo;
  try {
    info = await runtime.files.stat(path);
  } catch (error) {
    if (!(error instanceof runtime.errors.NotFound)) throw fileError(error, path);
    throw new runtime.errors.NotFound(
      `Cannot find the data set ${path}: expected ${
        DATASET_NAMES.join(", ")
      }, or the path of a table (.csv, .tsv, .json, .jsonl), an IDX images file or a folder`,
      { cause: error },
    );
  }
  const tables = info.isDirectory
    ? await tablesIn(path)
    : isTablePath(path)
    ? { train: path, test: undefined }
    : undefined;
  if (tables) return await openTables(tables, options);
  const files = info.isDirectory ? await pairsIn(path) : { train: await pairOf(path) };
  return ofArrays(path, await readIdxFiles(files, options.numClasses), options);
}

async function readIdxFiles(
  files: IdxFiles,
  numClasses?: number,
): Promise<{ train: Dataset; test?: Dataset }> {
  const read = (pair: { images: string; labels: string }, classes: number | undefined) =>
    readIdxDataset(
      pair.images,
      pair.labels,
      classes === undefined ? {} : { numClasses: classes },
    );
  const train = await read(files.train, numClasses);
  if (!files.test) return { train };
  const test = await read(files.test, train.numClasses);
  if (test.shape.join() !== train.shape.join()) {
    throw new RangeError(
      `Cannot use ${files.test.images}: expected images of shape [${train.shape}] as in ${files.train.images}, got [${test.shape}]`,
    );
  }
  return { train, test };
}

async function openTables(
  paths: { readonly train: string; readonly test: string | undefined },
  { table = {}, numClasses, signal, standardize }: LoadDatasetOptions,
): Promise<OpenedData> {
  const options = schemaOptions(table, numClasses);
  if (standardize) options.standardize ??= true;
  const read = (path: string): Promise<RawTable> => {
    const { exclude = [], excludeColumns = [], ...others } = table;
    return readTable(path, {
      ...others,
      excludeColumns: [...exclude, ...excludeColumns],
      expectedNames: namesIn(options),
      ...(signal && { signal }),
    });
  };
  const train = await read(paths.train);
  const test = paths.test === undefined ? undefined : await read(paths.test);
  const source = tableSource({ train, ...(test && { test }) }, options);
  return { source, isTable: true };
}

/** Collects the declarations of the owner of a table from the options. */
export function schemaOptions(
  { labelColumn, featureColumns, ...table }: TableDataOptions,
  numClasses?: number,
): SchemaOptions {
  const target = table.target ?? labelColumn, inputs = table.inputs ?? featureColumns;
  const classes = table.classes ??
    (numClasses === undefined ? undefined : numberedClasses(numClasses));
  return {
    ...table,
    // Columns that are left out are not read.
    exclude: [],
    ...(target !== undefined && { target }),
    ...(inputs && { inputs }),
    ...(classes && { classes }),
  };
}

/** Lists the names of columns in options: a first line that has one of them is a header. */
function namesIn({ target, inputs = [], idColumn, weightColumn, categories = [] }: SchemaOptions) {
  const targets = typeof target === "object" ? target : [target];
  return [...targets, ...inputs, idColumn, weightColumn, ...categories].flatMap((column) => {
    if (typeof column !== "string") return [];
    return isCondition(column) ? [column, parseCondition(column).column] : [column];
  });
}

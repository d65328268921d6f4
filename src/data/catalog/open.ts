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
import {
  type ImageFolders,
  imageFoldersIn,
  readImageFolder,
} from "../formats/images/image_folder.ts";
import type { RawTable, ReadTableOptions } from "../formats/raw_table.ts";
import { EXCEL_OR_ZIP } from "../formats/read_table.ts";
import { readEach, readTables } from "../formats/read_tables.ts";
import {
  type SiteFile,
  siteFiles,
  type TablePaths,
  tablePaths,
  trainAndTestIn,
} from "../formats/table_paths.ts";
import type { DataSource } from "../schema/data_source.ts";
import { arraySource } from "../sources/array_source.ts";
import { tableSource } from "../sources/table_source.ts";
import { selectRows } from "../schema/table_of.ts";
import type { SchemaOptions } from "../schema/options.ts";
import { holdOut, trainTestSplit } from "../split.ts";
import { joinSites } from "./sites.ts";
import { loadNamed } from "./load_named.ts";
import { DATASET_NAMES, NAMED_DATASETS, type NamedDataset } from "./named.ts";
import type { LoadDatasetOptions } from "./options.ts";
import { isSynthetic, SYNTHETIC_USAGE } from "./synthetic_name.ts";
import { readOptions, schemaOptions, withClasses } from "./table_options.ts";

/** Split of the digits: always the same, so that server and clients agree on the test rows. */
const DIGITS_SPLIT = { seed: 0, testCount: 297 };

/** Seed by which rows to test on are chosen: all processes must choose the same. */
const TEST_SEED = 0;

/** Source that was opened, and what is known of its classes. */
export interface OpenedData {
  readonly source: DataSource;
  /** Names of the classes, where a data set without columns has names. */
  readonly classes?: readonly string[];
  /** True for a table. */
  readonly isTable: boolean;
  /** True for a folder of images. */
  readonly isImages?: boolean;
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
  const path = spec as string;
  if (isSynthetic(path)) {
    const { syntheticDataset } = await import("./synthetic.ts");
    return ofArrays(path, syntheticDataset(path), options);
  }
  return await openPath(path, options);
}

function ofArrays(
  name: string,
  data: { readonly train: Dataset; readonly test?: Dataset },
  { standardize = false, testShare }: LoadDatasetOptions,
): OpenedData {
  checkNoTest(name, data, testShare);
  const split = testShare === undefined
    ? data
    : trainTestSplit(data.train, { testFraction: testShare, seed: TEST_SEED });
  return { source: arraySource({ name, ...split, standardize }), isTable: false };
}

/** Throws a `RangeError` if rows are to be taken for tests from data that have such rows. */
function checkNoTest(name: string, { test }: { test?: unknown }, share: number | undefined) {
  if (test === undefined || share === undefined) return;
  throw new RangeError(
    `Cannot use ${name}: expected data without test rows for a share to test on (option testShare, --test-share)`,
  );
}

/** Names of files that are no tables of their own. */
const EXCEL = /\.(?:xlsx|xlsm|xls|ods|zip)$/i;

async function openPath(path: string, options: LoadDatasetOptions): Promise<OpenedData> {
  if (options.sites) return await openSites(await siteFiles(path), options);
  const paths = await tablePaths(path);
  if (paths) return await openTables({ train: paths }, options);
  let info: Deno.FileInfo;
  try {
    info = await runtime.files.stat(path);
  } catch (error) {
    if (!(error instanceof runtime.errors.NotFound)) throw fileError(error, path);
    if (/[./\\]/.test(path)) {
      throw new runtime.errors.NotFound(`Cannot find the data set ${path}: there is no such file`, {
        cause: error,
      });
    }
    throw new runtime.errors.NotFound(
      `Cannot find the data set ${path}: expected ${
        DATASET_NAMES.join(", ")
      }, ${SYNTHETIC_USAGE}, or the path of a table (.csv, .tsv, .json, .jsonl, .parquet), an IDX images file or a folder`,
      { cause: error },
    );
  }
  if (!info.isDirectory) {
    if (EXCEL.test(path)) {
      throw new TypeError(`Cannot read ${path}: expected a table, ${EXCEL_OR_ZIP}`);
    }
    return ofArrays(
      path,
      await readIdxFiles({ train: await pairOf(path) }, options.numClasses),
      options,
    );
  }
  const images = await imageFoldersIn(path);
  if (images) return await openImages(images, options, path);
  const tables = await trainAndTestIn(path);
  if (tables) return await openTables(tables, options);
  return ofArrays(path, await readIdxFiles(await pairsIn(path), options.numClasses), options);
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

function howToRead({ table = {}, signal, onRead }: LoadDatasetOptions): ReadTableOptions {
  return {
    ...readOptions(table),
    ...(signal && { signal }),
    ...(onRead && { onProgress: onRead }),
  };
}

async function openTables(paths: TablePaths, options: LoadDatasetOptions): Promise<OpenedData> {
  const how = howToRead(options);
  const train = await readTables(paths.train, how);
  const test = paths.test && await readTables(paths.test, how);
  checkNoTest(train.name, { test }, options.testShare);
  return ofTables({ train, ...(test && { test }) }, declarations(options, train), options);
}

async function openSites(
  sites: readonly SiteFile[],
  options: LoadDatasetOptions,
): Promise<OpenedData> {
  const tables = await readEach(sites.map(({ path }) => path), howToRead(options));
  const [first] = tables;
  const declared = first ? declarations(options, first) : {};
  const joined = joinSites(tables, sites, declared);
  return ofTables({ train: joined.table }, joined.options, options);
}

/** Collects the declarations of the owner of a table. */
function declarations(
  { table = {}, numClasses, standardize }: LoadDatasetOptions,
  read: RawTable,
): SchemaOptions {
  const options = withClasses(schemaOptions(table), read, numClasses);
  return standardize ? { standardize: true, ...options } : options;
}

function ofTables(
  { train, test }: { train: RawTable; test?: RawTable },
  options: SchemaOptions,
  { testShare }: LoadDatasetOptions,
): OpenedData {
  if (testShare === undefined) {
    return { source: tableSource({ train, ...(test && { test }) }, options), isTable: true };
  }
  const places = Uint32Array.from({ length: train.length }, (_, row) => row);
  const rows = holdOut(places, { share: testShare, seed: TEST_SEED, index: 0 });
  const tables = { train: selectRows(train, rows.train), test: selectRows(train, rows.test) };
  return { source: tableSource(tables, options), isTable: true };
}

async function openImages(
  folders: ImageFolders,
  { table, signal, standardize, testShare }: LoadDatasetOptions,
  path: string,
): Promise<OpenedData> {
  const { shape, classes } = table ?? {};
  const read = (folder: string, names: readonly string[] | undefined) =>
    readImageFolder(folder, {
      ...(shape && { shape }),
      ...(names && { classes: names }),
      ...(signal && { signal }),
    });
  const train = await read(folders.train, classes);
  const target = train.schema?.target;
  const names = target?.task === "classification" ? target.classes : undefined;
  const test = folders.test === undefined ? undefined : await read(folders.test, names);
  if (test && test.shape.join() !== train.shape.join()) {
    throw new RangeError(
      `Cannot use ${folders.test}: expected images of shape [${train.shape}] as in ${folders.train}, got [${test.shape}]`,
    );
  }
  const data = { train, ...(test && { test }) };
  return {
    ...ofArrays(path, data, {
      ...(standardize && { standardize }),
      ...(testShare !== undefined && { testShare }),
    }),
    isImages: true,
    ...(names && { classes: names }),
  };
}

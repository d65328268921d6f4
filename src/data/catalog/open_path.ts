/**
 * Sources of data in files and folders.
 *
 * @module
 */

import { didYouMean } from "../../base/did_you_mean.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import type { Dataset } from "../dataset.ts";
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
import { tableSource } from "../sources/table_source.ts";
import { selectRows } from "../schema/table_of.ts";
import type { SchemaOptions } from "../schema/options.ts";
import { holdOut } from "../split.ts";
import { joinSites } from "./sites.ts";
import { DATASET_NAMES } from "./named.ts";
import { checkNoTest, ofArrays, type OpenedData, TEST_SEED } from "./opened.ts";
import type { LoadDatasetOptions } from "./options.ts";
import { SYNTHETIC_USAGE } from "./synthetic_name.ts";
import { TEXTS_USAGE } from "./text_name.ts";
import { readOptions, schemaOptions, withClasses } from "./table_options.ts";

/** Names of files that are no tables of their own. */
const EXCEL = /\.(?:xlsx|xlsm|xls|ods|zip)$/i;

/**
 * Opens a file or a folder.
 *
 * @throws {Deno.errors.NotFound} If there is no such path.
 * @throws {Error} As the reader of the format rejects.
 */
export async function openPath(path: string, options: LoadDatasetOptions): Promise<OpenedData> {
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
      }, ${TEXTS_USAGE}, ${SYNTHETIC_USAGE}, or the path of a table (.csv, .tsv, .json, .jsonl, .parquet), an IDX images file or a folder${
        didYouMean(path, [...DATASET_NAMES, "shakespeare", "synthetic"])
      }`,
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

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
import { readTables } from "../formats/read_tables.ts";
import { type TablePaths, tablePaths, trainAndTestIn } from "../formats/table_paths.ts";
import type { DataSource } from "../schema/data_source.ts";
import { arraySource } from "../sources/array_source.ts";
import { tableSource } from "../sources/table_source.ts";
import { trainTestSplit } from "../split.ts";
import { loadNamed } from "./load_named.ts";
import { DATASET_NAMES, NAMED_DATASETS, type NamedDataset } from "./named.ts";
import type { LoadDatasetOptions } from "./options.ts";
import { placedOptions, readOptions, schemaOptions, withClasses } from "./table_options.ts";

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
  const paths = await tablePaths(path);
  if (paths) return await openTables({ train: paths }, options);
  let info: Deno.FileInfo;
  try {
    info = await runtime.files.stat(path);
  } catch (error) {
    if (!(error instanceof runtime.errors.NotFound)) throw fileError(error, path);
    throw new runtime.errors.NotFound(
      `Cannot find the data set ${path}: expected ${
        DATASET_NAMES.join(", ")
      }, or the path of a table (.csv, .tsv, .json, .jsonl, .parquet), an IDX images file or a folder`,
      { cause: error },
    );
  }
  if (!info.isDirectory) {
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

async function openTables(
  paths: TablePaths,
  { table = {}, numClasses, signal, standardize, onRead }: LoadDatasetOptions,
): Promise<OpenedData> {
  const options = schemaOptions(table);
  if (standardize) options.standardize ??= true;
  const how = {
    ...readOptions(table),
    ...(signal && { signal }),
    ...(onRead && { onProgress: onRead }),
  };
  const train = await readTables(paths.train, how);
  const test = paths.test && await readTables(paths.test, how);
  const declared = withClasses(placedOptions(options, train), train, numClasses);
  const source = tableSource({ train, ...(test && { test }) }, declared);
  return { source, isTable: true };
}

async function openImages(
  folders: ImageFolders,
  { table, signal, standardize, onRead }: LoadDatasetOptions,
  path: string,
): Promise<OpenedData> {
  const { shape, classes } = table ?? {};
  const read = (folder: string, names: readonly string[] | undefined) =>
    readImageFolder(folder, {
      ...(shape && { shape }),
      ...(names && { classes: names }),
      ...(signal && { signal }),
      ...(onRead && { onProgress: onRead }),
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
    ...ofArrays(path, data, standardize ? { standardize } : {}),
    ...(names && { classes: names }),
  };
}

/**
 * Data sets by name or path.
 *
 * @module
 */

import { runtime } from "../../base/runtime/runtime.ts";
import { fileError } from "../file.ts";
import { type IdxFiles, pairOf, pairsIn } from "../formats/idx/idx_files.ts";
import { loadNamed } from "./load_named.ts";
import { tablesIn } from "../formats/table/table_files.ts";
import type { Dataset } from "../dataset.ts";
import { digits } from "../digits.ts";
import { readIdxDataset } from "../formats/idx/idx_dataset.ts";
import type { LoadDatasetOptions } from "./options.ts";
import { DATASET_NAMES, NAMED_DATASETS, type NamedDataset } from "./named.ts";
import { trainTestSplit } from "../split.ts";
import { isTablePath, readTableDataset, readTablePair } from "../formats/table/table.ts";

/** Split of the digits: always the same, so that server and clients agree on the test rows. */
const DIGITS_SPLIT = { seed: 0, testCount: 297 };

/** Data set that was loaded. */
export interface LoadedDataset {
  /** Name or path that was asked for. */
  readonly name: string;
  /** Samples to train on. */
  readonly train: Dataset;
  /** Samples to test on, where the data set has them. */
  readonly test?: Dataset;
  /** Names of the classes in the order of their labels, where the data set has names. */
  readonly classes?: readonly string[];
  /** Id of each row of `train`, where a table has a column of ids (`table.idColumn`). */
  readonly ids?: readonly string[];
}

async function readIdxFiles(
  name: string,
  files: IdxFiles,
  numClasses?: number,
): Promise<LoadedDataset> {
  const read = (pair: { images: string; labels: string }, classes: number | undefined) =>
    readIdxDataset(
      pair.images,
      pair.labels,
      classes === undefined ? {} : { numClasses: classes },
    );
  const train = await read(files.train, numClasses);
  if (!files.test) return { name, train };
  const test = await read(files.test, train.numClasses);
  if (test.shape.join() !== train.shape.join()) {
    throw new RangeError(
      `Cannot use ${files.test.images}: expected images of shape [${train.shape}] as in ${files.train.images}, got [${test.shape}]`,
    );
  }
  return { name, train, test };
}

/**
 * Loads a data set by name or path:
 *
 * - `"digits"`: the bundled digits, 1,500 rows to train on and 297 to test on, always the same
 *   ones;
 * - another of {@linkcode DATASET_NAMES}, such as `"mnist"`, or a {@linkcode NamedDataset} of your
 *   own: its files in `dataDir`, checked by their published checksums; missing ones are downloaded
 *   and kept;
 * - a path that ends in `.csv`, `.tsv`, `.json`, `.jsonl` or `.ndjson`: a table, see
 *   `readTableDataset()`; all rows to train on;
 * - a path of an IDX images file (`images-idx3` in its name) with its labels file (`labels-idx1`)
 *   beside it: all rows to train on;
 * - a path of a folder with such a pair, with one of training and one of test data, or with a table
 *   `train` and a table `test` in one of these formats.
 *
 * For a file that has the name of a data set, write `./digits`. Messages have one line and say what
 * was searched, and where.
 *
 * @throws {Deno.errors.NotFound} If there is no such data set.
 * @throws {Deno.errors.NotCapable} If a permission is missing. The message has the flag.
 * @throws {Error} If no server has a file; as the reader of the format rejects.
 *
 * @example Bundled digits
 * ```ts
 * import { loadDataset } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const { train, test } = await loadDataset("digits");
 * assertEquals([train.length, test?.length], [1500, 297]);
 * ```
 */
export async function loadDataset(
  spec: string | NamedDataset,
  options: LoadDatasetOptions = {},
): Promise<LoadedDataset> {
  if (spec === "digits") return { name: spec, ...trainTestSplit(await digits(), DIGITS_SPLIT) };
  if (typeof spec !== "string") return await loadByName(spec, options);
  const named = NAMED_DATASETS.get(spec);
  return named ? await loadByName(named, options) : await loadPath(spec, options);
}

async function loadByName(
  source: NamedDataset,
  options: LoadDatasetOptions,
): Promise<LoadedDataset> {
  return { name: source.name, ...await loadNamed(source, options), classes: source.classes };
}

async function loadPath(path: string, options: LoadDatasetOptions): Promise<LoadedDataset> {
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
  const { numClasses } = options;
  const table = { ...options.table, ...(numClasses !== undefined && { numClasses }) };
  if (info.isDirectory) {
    const tables = await tablesIn(path);
    if (!tables) return readIdxFiles(path, await pairsIn(path), numClasses);
    const { train, test } = await readTablePair(tables.train, tables.test, table);
    const { dataset, classes, ids } = train;
    return { name: path, train: dataset, test: test.dataset, classes, ...(ids && { ids }) };
  }
  if (!isTablePath(path)) return readIdxFiles(path, { train: await pairOf(path) }, numClasses);
  const { dataset, classes, ids } = await readTableDataset(path, table);
  return { name: path, train: dataset, classes, ...(ids && { ids }) };
}

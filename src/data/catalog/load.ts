/**
 * Finding a data set by what a user calls it.
 *
 * @module
 */

import type { DownloadProgress } from "./transfer.ts";
import { fileError } from "../file.ts";
import { type IdxFiles, pairOf, pairsIn } from "../formats/idx/idx_files.ts";
import { loadNamed } from "./load_named.ts";
import { tablesIn } from "../formats/table/table_files.ts";
import type { Dataset } from "../dataset.ts";
import { digits } from "../digits.ts";
import { readIdxDataset } from "../formats/idx/idx.ts";
import { DATASET_NAMES, NAMED_DATASETS, type NamedDataset } from "./named.ts";
import { trainTestSplit } from "../split.ts";
import {
  isTablePath,
  readTableDataset,
  type ReadTableOptions,
  readTablePair,
} from "../formats/table/table.ts";

export type { DownloadProgress };

/** The digits' split: the same for every run, so that server and clients agree on the test rows without a word. */
const DIGITS_SPLIT = { seed: 0, testCount: 297 };

/** How {@linkcode loadDataset} finds and reads. */
export interface LoadDatasetOptions {
  /**
   * The folder that data sets named by a word lie in, or in a folder of that name in it. Default, also for `""`: what
   * `FEDLAB_DATA` says, else the user's cache folder: `$XDG_CACHE_HOME/fedlab` or `~/.cache/fedlab`, on macOS `~/Library/Caches/fedlab`, on Windows
   * `%LOCALAPPDATA%/fedlab`.
   */
  dataDir?: string;
  /** Base URLs to fetch the files of a named data set from. Default: its own homes. */
  mirrors?: readonly string[];
  /** How often each of these is asked when it or the network fails, with pauses that double. Default 4. */
  tries?: number;
  /** The first pause, in seconds. Default 0.5. */
  retrySeconds?: number;
  /** Silence after which a connection counts as broken, in seconds; `Infinity` for never. Default 30. */
  stallSeconds?: number;
  /** Ends a download; what has come is gone on with by the next call. */
  signal?: AbortSignal;
  /** Takes word of a download as it goes. */
  onProgress?: (progress: DownloadProgress) => void;
  /** Number of classes of tables and IDX files. Default: found from the labels. */
  numClasses?: number;
  /** How tables are read. */
  table?: Omit<ReadTableOptions, "numClasses">;
}

/** A data set that was found. */
export interface LoadedDataset {
  /** What it is called: the word or the path that was asked for. */
  readonly name: string;
  /** The samples to learn from. */
  readonly train: Dataset;
  /** The samples to test on, where the data set has such. */
  readonly test?: Dataset;
  /** The names of the classes in the order of their labels, where the data set has names. */
  readonly classes?: readonly string[];
  /** The id of each row of `train`, where a table has a column of ids (`table.idColumn`). */
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
 * Loads a data set by its name or path:
 *
 * - `"digits"`: the embedded digits, 1,500 rows to learn from and 297 to test on, always the same ones;
 * - another of {@linkcode DATASET_NAMES}, such as `"mnist"`: its files in `dataDir`, checked against their published
 *   checksums; those that are not there are fetched and kept. A {@linkcode NamedDataset} of your own is read alike;
 * - a path that ends in `.csv`, `.tsv`, `.json`, `.jsonl` or `.ndjson`: a table, see `readTableDataset()`; all rows to learn
 *   from;
 * - a path of an IDX images file whose labels lie beside it (`images-idx3` in its name, `labels-idx1` in theirs): all
 *   rows to learn from;
 * - a path of a folder that holds such a pair, or one of training and one of test data, or a table `train` and a table `test`
 *   with one of these endings.
 *
 * A file that is called like a data set is reached by `./digits`. Throws an error of one line that says what was looked for
 * and where: `Deno.errors.NotFound`, `Deno.errors.NotCapable` with the flag that grants the permission, what the reader of
 * the format throws, or, for a download, an `Error` that names each home that was asked with the reason.
 *
 * @example The embedded digits
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
    info = await Deno.stat(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw fileError(error, path);
    throw new Deno.errors.NotFound(
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

/**
 * Finding a data set by what a user calls it.
 *
 * @module
 */

import { type CsvDatasetOptions, readCsvDataset } from "./csv.ts";
import type { Dataset } from "./dataset.ts";
import { digits } from "./digits.ts";
import { fileError } from "./_file.ts";
import { findMnist, type IdxFiles, pairOf, pairsIn } from "./_idx_files.ts";
import { readIdxDataset } from "./idx.ts";
import { trainTestSplit } from "./split.ts";

/** The digits' split: the same for every run, so that server and clients agree on the test rows without a word. */
const DIGITS_SPLIT = { seed: 0, testCount: 297 };

/** How {@linkcode loadDataset} finds and reads. */
export interface LoadDatasetOptions {
  /** The folder that data sets named by a word lie in, or in a folder of that name in it. Default `"data"`. */
  dataDir?: string;
  /** Number of classes of CSV and IDX files. Default: found from the labels. */
  numClasses?: number;
  /** How CSV files are read. */
  csv?: Omit<CsvDatasetOptions, "name" | "numClasses">;
}

/** A data set that was found. */
export interface LoadedDataset {
  /** What it is called: the word or the path that was asked for. */
  readonly name: string;
  /** The samples to learn from. */
  readonly train: Dataset;
  /** The samples to test on, where the data set has such. */
  readonly test?: Dataset;
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
  return { name, train, test: await read(files.test, train.numClasses) };
}

/**
 * Loads a data set by its name or path:
 *
 * - `"digits"`: the embedded digits, 1,500 rows to learn from and 297 to test on, always the same ones;
 * - `"mnist"`: the four original files of MNIST, 60,000 and 10,000 rows, from `dataDir/mnist` or `dataDir`;
 * - a path that ends in `.csv` or `.tsv`: a table, see `readCsvDataset()`; all rows to learn from;
 * - a path of an IDX images file whose labels lie beside it (`images-idx3` in its name, `labels-idx1` in theirs): all
 *   rows to learn from;
 * - a path of a folder that holds such a pair, or one of training and one of test data.
 *
 * A file that is called like a data set is reached by `./digits`. Throws an error of one line that says what was looked for
 * and where: `Deno.errors.NotFound`, `Deno.errors.NotCapable` with the flag that grants the permission, or what the reader of
 * the format throws.
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
  spec: string,
  options: LoadDatasetOptions = {},
): Promise<LoadedDataset> {
  if (spec === "digits") return { name: spec, ...trainTestSplit(await digits(), DIGITS_SPLIT) };
  if (spec === "mnist") return readIdxFiles(spec, await findMnist(options.dataDir ?? "data"), 10);
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(spec);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw fileError(error, spec);
    throw new Deno.errors.NotFound(
      `Cannot find the data set ${spec}: expected digits, mnist, or the path of a .csv file, an IDX images file or a folder`,
      { cause: error },
    );
  }
  const { numClasses } = options;
  if (info.isDirectory) return readIdxFiles(spec, await pairsIn(spec), numClasses);
  const table = /\.([ct])sv$/i.exec(spec);
  if (!table) return readIdxFiles(spec, { train: await pairOf(spec) }, numClasses);
  const { dataset } = await readCsvDataset(spec, {
    delimiter: table[1]?.toLowerCase() === "t" ? "\t" : ",",
    ...options.csv,
    ...(numClasses === undefined ? {} : { numClasses }),
  });
  return { name: spec, train: dataset };
}

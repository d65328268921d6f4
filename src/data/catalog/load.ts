/**
 * Data sets by name or path.
 *
 * @module
 */

import type { Dataset } from "../dataset.ts";
import type { DataSource } from "../schema/data_source.ts";
import type { NamedDataset } from "./named.ts";
import type { LoadDatasetOptions } from "./options.ts";

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

/**
 * Loads a data set by name or path:
 *
 * - `"digits"`: the bundled digits, 1,500 rows to train on and 297 to test on, always the same
 *   ones;
 * - another of {@linkcode DATASET_NAMES}, such as `"mnist"`, or a {@linkcode NamedDataset} of your
 *   own: its files in `dataDir`, checked by their published checksums; missing ones are downloaded
 *   and kept;
 * - `"synthetic:rows=ROWS,features=COUNT,classes=COUNT[,test=ROWS][,seed=SEED]"`: Gaussian classes,
 *   which are drawn; by default a tenth as many rows to test on, at most 10,000;
 * - `"shakespeare"`, also with a form as in `"shakespeare:windows"`: the plays by role, as
 *   sequences of characters, in `dataDir` and not downloaded;
 * - with the option `sequences`, a path of JSON lines, each with the lines of an author;
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
  const { open } = await import("./open.ts");
  const { source, classes: given, isTable } = await open(spec, options);
  const { train, test, ids } = await source.arrange(undefined);
  const target = train.schema?.target;
  const named = isTable && target?.task === "classification" ? target.classes : given;
  return {
    name: typeof spec === "string" ? spec : spec.name,
    train,
    ...(test && { test }),
    ...(named && { classes: named }),
    ...(ids && { ids }),
  };
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
  const { open } = await import("./open.ts");
  return (await open(spec, options)).source;
}

/**
 * Search for the files of an IDX data set, by their names.
 *
 * @module
 */

import { runtime } from "../../../base/runtime/runtime.ts";
import { fileError, joinPath } from "../../file.ts";

/** Paths of a file of samples and the file of their labels. */
export interface IdxPair {
  readonly images: string;
  readonly labels: string;
}

/** Files of a data set. */
export interface IdxFiles {
  readonly train: IdxPair;
  readonly test?: IdxPair;
}

const IMAGES_NAME = /images([-.])idx\d+/i;
/** Names of test data. The word stands alone: `latest` and `contest` are no test data. */
const TEST_NAME = /(?<![a-z0-9])(t10k|test)(?![a-z0-9])/i;

/** Lists the files of a folder; gives `undefined` when there is no such folder. */
async function list(folder: string): Promise<Set<string> | undefined> {
  try {
    const names = new Set<string>();
    for await (const entry of runtime.files.readDir(folder)) {
      if (!entry.isDirectory) names.add(entry.name);
    }
    return names;
  } catch (error) {
    if (error instanceof runtime.errors.NotFound || error instanceof runtime.errors.NotADirectory) {
      return undefined;
    }
    throw fileError(error, folder);
  }
}

/** Gives the name of the compressed file for a plain one, and the other way round. */
function otherPacking(name: string): string {
  return name.endsWith(".gz") ? name.slice(0, -3) : `${name}.gz`;
}

/** Gives the name of the labels file for an images file, such as `train-labels-idx1-ubyte.gz`. */
function labelsName(imagesName: string): string | undefined {
  if (!IMAGES_NAME.test(imagesName)) return undefined;
  return imagesName.replace(
    IMAGES_NAME,
    (found, mark) => `${found.startsWith("I") ? "Labels" : "labels"}${mark}idx1`,
  );
}

/**
 * Finds the labels file beside an images file, by its usual name.
 *
 * @throws {TypeError} If the images file has another kind of name.
 * @throws {Error} A class of `Deno.errors`, if the labels file cannot be found.
 */
export async function pairOf(images: string): Promise<IdxPair> {
  const cut = Math.max(images.lastIndexOf("/"), images.lastIndexOf("\\")) + 1;
  const name = labelsName(images.slice(cut));
  if (name === undefined) {
    throw new TypeError(
      `Cannot tell the labels file of ${images}: expected a .csv file or an IDX file with a name like train-images-idx3-ubyte.gz`,
    );
  }
  const labels = images.slice(0, cut) + name;
  for (const path of [labels, otherPacking(labels)]) {
    try {
      await runtime.files.stat(path);
      return { images, labels: path };
    } catch (error) {
      if (!(error instanceof runtime.errors.NotFound)) throw fileError(error, path);
    }
  }
  throw new runtime.errors.NotFound(
    `Cannot read ${images}: its labels are missing, expected ${labels} or ${otherPacking(labels)}`,
  );
}

/**
 * Finds the files of a data set in a folder. Those of test data have the word `t10k` or `test` in
 * their names.
 *
 * @throws {RangeError} If there are several images files of training or of test data.
 * @throws {Error} A class of `Deno.errors`, if a file cannot be found.
 */
export async function pairsIn(folder: string): Promise<IdxFiles> {
  const names = await list(folder) ?? new Set();
  // Of a file and its compressed copy the plain one is taken: it need not be decompressed.
  const images = [...names].filter((name) =>
    IMAGES_NAME.test(name) && !(name.endsWith(".gz") && names.has(otherPacking(name)))
  ).sort();
  const [train, ...moreTrain] = images.filter((name) => !TEST_NAME.test(name));
  const [test, ...moreTest] = images.filter((name) => TEST_NAME.test(name));
  const only = train ?? test;
  if (only === undefined) {
    throw new runtime.errors.NotFound(
      `Cannot find a data set in ${folder}: expected an IDX file with a name like train-images-idx3-ubyte.gz`,
    );
  }
  if (moreTrain.length > 0 || moreTest.length > 0) {
    throw new RangeError(
      `Cannot choose a data set in ${folder}: expected one images file, or one of training and one of test data, got ${
        images.join(", ")
      }`,
    );
  }
  const pair = await pairOf(joinPath(folder, only));
  if (train === undefined || test === undefined) return { train: pair };
  return { train: pair, test: await pairOf(joinPath(folder, test)) };
}

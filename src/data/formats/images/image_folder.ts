/**
 * Reader of folders of images, one folder for each class.
 *
 * @module
 */

import { runtime } from "../../../base/runtime/runtime.ts";
import { Dataset } from "../../dataset.ts";
import { fileError, joinPath, readBytes } from "../../file.ts";
import { trustFinite } from "../../finite.ts";
import { MAX_CLASSES, MAX_VALUES } from "../../limits.ts";
import { arraySchema } from "../../schema/array_schema.ts";
import { canonicalName, shownNames, sortNames } from "../../schema/names.ts";
import { shareableFloats } from "../../shareable.ts";
import type { ReadProgress } from "../raw_table.ts";
import { type Pixels, pixelsOf } from "./pixels.ts";

const IMAGE_NAME = /\.(?:png|jpe?g)$/i;
const MAX_FILE_BYTES = 2 ** 28;

/** Options for reading a folder of images. */
export interface ImageFolderOptions {
  /**
   * Height, width and channels that all images must have.
   *
   * @default Those of the first image.
   */
  readonly shape?: readonly number[];
  /**
   * Names of the classes in the order of their numbers.
   *
   * @default The names of the folders, sorted.
   */
  readonly classes?: readonly string[];
  /** Called after each image; counts are of images instead of bytes. */
  readonly onProgress?: (progress: ReadProgress) => void;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

/** Image files of each class. */
type ImageFiles = ReadonlyMap<string, readonly string[]>;

async function entriesOf(folder: string): Promise<Deno.DirEntry[]> {
  try {
    return (await Array.fromAsync(runtime.files.readDir(folder)))
      .filter(({ name }) => !name.startsWith("."))
      .sort((a, b) => a.name < b.name ? -1 : 1);
  } catch (error) {
    throw fileError(error, folder);
  }
}

/**
 * Finds the images in the folders of a folder, by the names of the folders. Gives `undefined` if
 * there are none.
 *
 * @throws {Error} A class of `Deno.errors`, if the folder cannot be read.
 */
export async function imagesIn(folder: string): Promise<ImageFiles | undefined> {
  const files = new Map<string, string[]>();
  for (const { name, isDirectory } of await entriesOf(folder)) {
    if (!isDirectory) continue;
    const path = joinPath(folder, name);
    const images = (await entriesOf(path)).filter((entry) =>
      !entry.isDirectory && IMAGE_NAME.test(entry.name)
    );
    if (images.length === 0) continue;
    const key = canonicalName(name);
    files.set(key, [...files.get(key) ?? [], ...images.map((one) => joinPath(path, one.name))]);
  }
  return files.size > 0 ? files : undefined;
}

/** Folders of images: one to train on, and perhaps one to test on. */
export interface ImageFolders {
  readonly train: string;
  readonly test?: string;
}

/**
 * Finds out if a folder has folders of images: one for each class, or `train` and `test` with
 * those. Gives `undefined` if it has none.
 *
 * @throws {Error} A class of `Deno.errors`, if the folder cannot be read.
 */
export async function imageFoldersIn(folder: string): Promise<ImageFolders | undefined> {
  if (await imagesIn(folder)) return { train: folder };
  const named = async (word: string) => {
    const entries = await entriesOf(folder);
    const found = entries.find(({ name, isDirectory }) =>
      isDirectory && name.toLowerCase() === word
    );
    const path = found && joinPath(folder, found.name);
    return path !== undefined && await imagesIn(path) ? path : undefined;
  };
  const [train, test] = [await named("train"), await named("test")];
  if (train === undefined) return undefined;
  return { train, ...(test !== undefined && { test }) };
}

/**
 * Reads a folder of PNG and JPEG images, in which each folder has the images of one class, into
 * values from 0 to 1.
 *
 * @returns Samples of the shape `[height, width, channels]`, with 1 or 3 channels.
 * @throws {RangeError} If an image has another size or other channels, or there are too many.
 * @throws {SyntaxError} If an image is damaged.
 * @throws {Error} A class of `Deno.errors`, if there are no images, or one cannot be read.
 *
 * @example
 * ```ts ignore
 * // animals/cat/1.png, animals/cat/2.png, animals/dog/1.png
 * const { shape, labels } = await readImageFolder("animals");
 * ```
 */
export async function readImageFolder(
  folder: string,
  options: ImageFolderOptions = {},
): Promise<Dataset> {
  const files = await imagesIn(folder);
  if (!files) {
    throw new runtime.errors.NotFound(
      `Cannot find images in ${folder}: expected a folder of PNG or JPEG files for each class`,
    );
  }
  const classes = options.classes ?? sortNames(files.keys());
  const unknown = [...files.keys()].find((name) => !classes.includes(name));
  if (unknown !== undefined || classes.length > MAX_CLASSES) {
    throw new RangeError(
      `Cannot read ${folder}: expected ${
        unknown === undefined
          ? `at most ${MAX_CLASSES} classes`
          : `the classes ${shownNames(classes)}`
      }, got ${unknown === undefined ? classes.length : shownNames([unknown])}`,
    );
  }
  const paths = classes.flatMap((name, label) =>
    (files.get(name) ?? []).map((path) => ({ path, label }))
  );
  // Imported when they are needed: few programs read images.
  const decoders = await import("./deps.ts");
  let features: Float32Array = new Float32Array(0);
  let shape = options.shape;
  for (const [row, { path }] of paths.entries()) {
    options.signal?.throwIfAborted();
    const bytes = await readBytes(path, { most: MAX_FILE_BYTES });
    const pixels = pixelsOf(bytes, path, decoders);
    const size = pixels.values.length;
    checkShape(pixels, shape, path, options.shape ? "the option shape" : paths[0]?.path ?? "");
    if (row === 0) {
      shape = pixels.shape;
      if (size * paths.length > MAX_VALUES) {
        throw new RangeError(
          `Cannot read ${folder}: expected at most ${MAX_VALUES} values, got ${paths.length} images of ${
            pixels.shape.join(" x ")
          }`,
        );
      }
      features = shareableFloats(size * paths.length);
    }
    for (let i = 0; i < size; i++) {
      features[row * size + i] = (pixels.values[i] ?? 0) / pixels.greatest;
    }
    options.onProgress?.({ file: folder, bytes: row + 1, total: paths.length });
  }
  const numClasses = classes.length;
  return trustFinite(Dataset.of({
    features,
    targets: Int32Array.from(paths, ({ label }) => label),
    ...{ shape: shape ?? [], numClasses, task: "classification" },
    schema: arraySchema({ shape: shape ?? [], classes, numClasses, scale: 1 / 255 }),
  }));
}

function checkShape(
  { shape }: Pixels,
  expected: readonly number[] | undefined,
  path: string,
  source: string,
): void {
  if (expected === undefined || shape.join() === expected.join()) return;
  throw new RangeError(
    `Cannot use ${path}: expected an image of ${
      expected.join(" x ")
    } (height, width, channels) as ${source} has, got ${shape.join(" x ")}`,
  );
}

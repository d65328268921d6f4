/**
 * Reader of named data sets, from local files or downloads.
 *
 * @module
 */

import { runtime } from "../../base/runtime/runtime.ts";
import { checksumFault, digestOf, fileDigest } from "./checksum.ts";
import { dataFolder } from "./data_folder.ts";
import { download } from "./download.ts";
import { fileError, readBytes } from "../file.ts";
import { gunzip, isGzip } from "../formats/gzip.ts";
import type { Dataset } from "../dataset.ts";
import { type IdxArray, parseSharedIdx } from "../formats/idx/idx.ts";
import { idxDataset } from "../formats/idx/idx_dataset.ts";
import type { DatasetFile, NamedDataset, SamplesAndLabels } from "./named.ts";
import type { NamedDatasetOptions } from "./options.ts";
import { shareableBytes } from "../shareable.ts";

/** Files of a data set, on disk or to be downloaded. */
export type NamedFiles =
  & Pick<NamedDataset, "folder" | "homes" | "files">
  & Partial<Pick<NamedDataset, "archive" | "train" | "test">>;

/** Returns true if there is such a file; messages ask for permission to read `granted`. */
async function isFile(path: string, granted: string): Promise<boolean> {
  try {
    return (await runtime.files.stat(path)).isFile;
  } catch (error) {
    if (error instanceof runtime.errors.NotFound || error instanceof runtime.errors.NotADirectory) {
      return false;
    }
    throw fileError(error, error instanceof runtime.errors.NotCapable ? granted : path);
  }
}

/**
 * Finds a local file, in the folder of the data set or in the one above. There a file of that name
 * may belong to another data set: it must have the right content. Gives `undefined` for none.
 */
async function find(
  file: DatasetFile,
  { folder }: NamedFiles,
  dataDir: string,
): Promise<string | undefined> {
  const names = file.unpacked ? [file.name, file.name.replace(/\.gz$/, "")] : [file.name];
  for (const place of [`${dataDir}/${folder}`, dataDir]) {
    for (const name of names) {
      const path = `${place}/${name}`;
      if (!await isFile(path, dataDir)) continue;
      if (place !== dataDir || await isRight(file, path)) return path;
    }
  }
}

async function isRight(file: DatasetFile, path: string): Promise<boolean> {
  if (!file.unpacked) return await fileDigest(path, file.checksum.algorithm) === file.checksum.hex;
  try {
    await checkedBytes(file, path);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Checks the bytes of a local file and gives them, decompressed if the check did so. */
async function checkedBytes(file: DatasetFile, path: string): Promise<Uint8Array<ArrayBuffer>> {
  // A file that was compressed again is hardly larger.
  const most = 2 * Math.max(file.bytes, file.unpacked?.bytes ?? 0);
  const bytes = await readBytes(path, { most });
  const digest = async () => await digestOf(bytes, file.checksum.algorithm);
  let got = bytes.length === file.bytes ? await digest() : undefined;
  if (got === file.checksum.hex) return bytes;
  if (file.unpacked) {
    const { bytes: length, checksum } = file.unpacked;
    // In the memory that the data set will have: new memory takes as long as decompression.
    const raw = isGzip(bytes) ? await gunzip(bytes, path, () => length, shareableBytes) : bytes;
    if (await digestOf(raw, checksum.algorithm) === checksum.hex) return raw;
  }
  got ??= await digest();
  if (got === file.checksum.hex) return bytes;
  throw new SyntaxError(wrongFile(file, path, got));
}

function wrongFile({ checksum }: DatasetFile, path: string, got: string): string {
  return `Cannot use ${path}: ${checksumFault(checksum, got)}, remove it to have it fetched`;
}

/**
 * Reads the files of a data set, by name; those that are missing are downloaded.
 *
 * @throws {SyntaxError} If a file has a wrong checksum.
 * @throws {Error} As `download()` rejects.
 */
export async function readFiles(
  source: NamedFiles,
  options: NamedDatasetOptions,
): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> {
  const dataDir = dataFolder(options.dataDir).replace(/(.)[/\\]+$/, "$1");
  const folder = `${dataDir}/${source.folder}`;
  const { mirrors: homes = source.homes } = options;
  const contents = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const file of source.files) {
    let path = await find(file, source, dataDir);
    if (path === undefined) {
      await download(file, folder, homes, options);
      path = `${folder}/${file.name}`;
    }
    if (file.name === source.archive) {
      const got = await fileDigest(path, file.checksum.algorithm);
      if (got !== file.checksum.hex) throw new SyntaxError(wrongFile(file, path, got));
      const { readZip } = await import("../formats/zip.ts");
      const pairs = [source.train, source.test].filter((pair) => pair !== undefined);
      return await readZip(path, pairs.flatMap(({ images, labels }) => [images, labels]));
    }
    contents.set(file.name, await checkedBytes(file, path));
  }
  return contents;
}

/** Exchanges rows and columns of images. */
function transpose(images: IdxArray): IdxArray {
  const [count = 0, rows = 0, columns = 0] = images.shape;
  const values = images.values.slice();
  const size = rows * columns;
  for (let image = 0; image < count; image++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        values[image * size + column * rows + row] =
          images.values[image * size + row * columns + column] ?? 0;
      }
    }
  }
  return { ...images, shape: [count, columns, rows], values };
}

/** Returns labels whose first class is the number 0. */
function countedFrom0(labels: ArrayLike<number>, firstLabel: number): Int32Array<ArrayBuffer> {
  const counted = new Int32Array(labels.length);
  for (let i = 0; i < labels.length; i++) counted[i] = (labels[i] ?? 0) - firstLabel;
  return counted;
}

async function readPair(
  source: NamedDataset,
  { images, labels }: SamplesAndLabels,
  contents: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
): Promise<Dataset> {
  const read = async (name: string) => {
    const bytes = contents.get(name);
    if (bytes === undefined) {
      throw new TypeError(`Cannot read ${source.title}: ${name} is not among its files`);
    }
    return await parseSharedIdx(bytes, name);
  };
  const { firstLabel = 0 } = source;
  const numbers = await read(labels);
  const samples = await read(images);
  return idxDataset(
    { name: images, ...source.transposed ? transpose(samples) : samples },
    { name: labels, ...numbers, values: countedFrom0(numbers.values, firstLabel) },
    { classes: source.classes },
  );
}

/**
 * Reads a data set from its files; those that are missing are downloaded.
 *
 * @throws {SyntaxError} If a file has a wrong checksum.
 * @throws {Error} As `download()` rejects.
 */
export async function loadNamed(
  source: NamedDataset,
  options: NamedDatasetOptions = {},
): Promise<{ train: Dataset; test: Dataset }> {
  const contents = await readFiles(source, options);
  return {
    train: await readPair(source, source.train, contents),
    test: await readPair(source, source.test, contents),
  };
}

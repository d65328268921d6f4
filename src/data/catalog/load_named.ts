/**
 * Reading a data set that goes by a name: files at hand, else fetched.
 *
 * @module
 */

import { checksumFault, digestOf, fileDigest } from "./checksum.ts";
import { dataFolder } from "./data_folder.ts";
import { download, type DownloadOptions } from "./download.ts";
import { fileError, readBytes } from "../file.ts";
import { gunzip, isGzip } from "../formats/gzip.ts";
import type { Dataset } from "../dataset.ts";
import { type IdxArray, idxDataset, parseIdx } from "../formats/idx/idx.ts";
import type { DatasetFile, NamedDataset, SamplesAndLabels } from "./named.ts";

/** How the files of a named data set are found. */
export interface NamedDatasetOptions extends DownloadOptions {
  /** The folder of data sets. */
  dataDir?: string;
  /** Base URLs to fetch from, in place of the data set's own homes. */
  mirrors?: readonly string[];
}

/** Whether there is such a file; `granted` is the path to ask permission for. */
async function isFile(path: string, granted: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw fileError(error, error instanceof Deno.errors.NotCapable ? granted : path);
  }
}

/**
 * Path of a file at hand, in the data set's folder or the one above; `undefined` when there is none. In the one above a file of that name may be
 * another data set's: then it is none.
 */
async function find(
  file: DatasetFile,
  { folder }: NamedDataset,
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

/** Checks the bytes of a file at hand, and gives them, unpacked where that had to be done for the check. */
async function checkedBytes(file: DatasetFile, path: string): Promise<Uint8Array<ArrayBuffer>> {
  // A file at hand may have been packed anew, and hardly be larger for it.
  const most = 2 * Math.max(file.bytes, file.unpacked?.bytes ?? 0);
  const bytes = await readBytes(path, { most });
  const got = await digestOf(bytes, file.checksum.algorithm);
  if (got === file.checksum.hex) return bytes;
  if (file.unpacked) {
    const { bytes: length, checksum } = file.unpacked;
    const raw = isGzip(bytes) ? await gunzip(bytes, path, () => length) : bytes;
    if (await digestOf(raw, checksum.algorithm) === checksum.hex) return raw;
  }
  throw new SyntaxError(wrongFile(file, path, got));
}

function wrongFile({ checksum }: DatasetFile, path: string, got: string): string {
  return `Cannot use ${path}: ${checksumFault(checksum, got)}, remove it to have it fetched`;
}

/** The files that hold samples and labels, by name. */
async function readFiles(
  source: NamedDataset,
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
      const { train, test } = source;
      return await readZip(path, [train.images, train.labels, test.images, test.labels]);
    }
    contents.set(file.name, await checkedBytes(file, path));
  }
  return contents;
}

/** The images with rows and columns exchanged. */
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
    return await parseIdx(bytes, name);
  };
  const { firstLabel = 0 } = source;
  const numbers = await read(labels);
  const samples = await read(images);
  return idxDataset(
    { name: images, ...source.transposed ? transpose(samples) : samples },
    { name: labels, ...numbers, values: Int32Array.from(numbers.values, (n) => n - firstLabel) },
    { numClasses: source.classes.length },
  );
}

/**
 * Reads a data set from its files in the folder of data sets, or in one of its own in there; those that are missing are fetched.
 *
 * Throws an error of one line: a `SyntaxError` for a file with a wrong checksum, or what `download()` throws.
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

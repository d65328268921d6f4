/**
 * Data sets in IDX files.
 *
 * @module
 */

import { ByteFeatures } from "../../byte_features.ts";
import { type Dataset, datasetOf } from "../../dataset.ts";
import { readBytes, readStart } from "../../file.ts";
import { trustFinite } from "../../finite.ts";
import { arraySchema } from "../../schema/array_schema.ts";
import { shareableFloats, shareableInts } from "../../shareable.ts";
import { countClasses } from "../class_labels.ts";
import { isGzip } from "../gzip.ts";
import { type IdxArray, parseSharedIdx } from "./idx.ts";
import {
  checkLength,
  checkNumValues,
  type IdxOptions,
  MAX_HEADER_BYTES,
  parseHeader,
} from "./idx_header.ts";

/** Most bytes of a file in gzip. */
const MAX_PACKED_BYTES = 2 ** 31;

/** Options of {@linkcode readIdxDataset}. */
export interface IdxDatasetOptions extends IdxOptions {
  /**
   * Factor by which each value is multiplied.
   *
   * @default 1/255 for unsigned bytes, which gives 0 to 1, and 1 for other types.
   */
  scale?: number;
  /**
   * Number of classes.
   *
   * @default One more than the largest label.
   */
  numClasses?: number;
  /**
   * Names of the classes, in the order of their labels.
   *
   * @default Their numbers.
   */
  classes?: readonly string[];
}

/** Makes a data set from an array of images and one of labels; the names are for messages. */
export function idxDataset(
  images: IdxArray & { readonly name: string },
  labels: IdxArray & { readonly name: string },
  options: IdxDatasetOptions = {},
): Dataset {
  const [length = 0, ...row] = images.shape;
  if (row.length === 0) {
    throw new TypeError(
      `Cannot read ${images.name}: expected samples of at least one dimension, got a list of ${length} numbers as a labels file holds`,
    );
  }
  if (labels.shape.length !== 1) {
    throw new TypeError(
      `Cannot read ${labels.name}: expected labels in one dimension, got ${
        labels.shape.join(" x ")
      }`,
    );
  }
  if (labels.values.length !== length) {
    throw new RangeError(
      `Cannot read ${images.name}: expected as many labels as its ${length} samples, got ${labels.values.length} in ${labels.name}`,
    );
  }
  if (images.values.length === 0) {
    throw new RangeError(
      `Cannot read ${images.name}: expected samples, got ${images.shape.join(" x ")} values`,
    );
  }
  const scale = options.scale ?? (images.type === "uint8" ? 1 / 255 : 1);
  const features = featuresOf(images, length, scale);
  const numClasses = countClasses(labels.values, options.numClasses ?? options.classes?.length, {
    name: labels.name,
    place: (index) => `row ${index}`,
  });
  // Convolutional models expect a channel dimension, last.
  const shape = row.length === 2 ? [...row, 1] : row;
  return trustFinite(datasetOf(features, {
    targets: shareableInts(labels.values),
    ...{ shape, numClasses, task: "classification" },
    schema: arraySchema({ ...{ shape, numClasses, scale }, classes: options.classes }),
  }));
}

/** Returns the features of images, as bytes where the images have bytes. */
function featuresOf(
  { name, values }: IdxArray & { readonly name: string },
  length: number,
  scale: number,
): Float32Array | ByteFeatures {
  if (values instanceof Uint8Array && Number.isFinite(Math.fround(255 * scale))) {
    return new ByteFeatures(values, scale).share();
  }
  const features = shareableFloats(values.length);
  for (let i = 0; i < values.length; i++) {
    const feature = Math.fround((values[i] ?? 0) * scale);
    if (!Number.isFinite(feature)) {
      throw new RangeError(
        `Cannot read ${name}: expected finite features, got ${feature} in row ${
          Math.floor(i * length / values.length)
        }`,
      );
    }
    features[i] = feature;
  }
  return features;
}

/**
 * Reads a data set from a file of samples and a file of their labels.
 *
 * Images of `rows x columns` get the row shape `[rows, columns, 1]`, channels last; other shapes
 * are kept. Messages have one line and name the file.
 *
 * @throws {Error} A class of `Deno.errors`, if a file cannot be read.
 * @throws {SyntaxError} If a file is not IDX.
 * @throws {TypeError} If the dimensions are wrong (files swapped), or a path leads to a pipe or a
 * device.
 * @throws {RangeError} If numbers of rows or labels do not fit, a feature is not finite, or there
 * are more values than `maxValues`.
 */
export async function readIdxDataset(
  imagesPath: string,
  labelsPath: string,
  options: IdxDatasetOptions = {},
): Promise<Dataset> {
  const read = async (name: string) => ({ name, ...await readIdx(name, options) });
  // Labels first: they are small, and a wrong path is found before the long read.
  const labels = await read(labelsPath);
  return idxDataset(await read(imagesPath), labels, options);
}

/** Reads an array from a file. A wrong length is found by the header, before the file is read. */
async function readIdx(path: string, options: IdxOptions): Promise<IdxArray> {
  const { start, size } = await readStart(path, MAX_HEADER_BYTES);
  const header = isGzip(start) ? undefined : parseHeader(start, path);
  if (header) {
    checkLength(header, size, path);
    checkNumValues(header, path, options);
  }
  const most = isGzip(start) ? MAX_PACKED_BYTES : size;
  return await parseSharedIdx(await readBytes(path, { most }), path, options);
}

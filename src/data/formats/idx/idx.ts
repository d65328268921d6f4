/**
 * Reading IDX, the format of MNIST: an array of one element type, plain or in gzip.
 *
 * @module
 */

import { readBytes, readStart } from "../../file.ts";
import { trustFinite } from "../../finite.ts";
import { gunzip, isGzip, MOST_GROWTH } from "../gzip.ts";
import { countClasses } from "../class_labels.ts";
import { shareableFloats, shareableInts } from "../../shareable.ts";
import { Dataset } from "../../dataset.ts";

/** Element types of IDX, by their usual names. */
export type IdxType = "uint8" | "int8" | "int16" | "int32" | "float32" | "float64";

/** The values of an IDX file in this machine's byte order. */
export type IdxValues =
  | Uint8Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

/** The content of an IDX file. */
export interface IdxArray {
  /** Sizes of the dimensions, outermost first, at least one. */
  readonly shape: readonly number[];
  /** Type of the elements. */
  readonly type: IdxType;
  /** The elements, last dimension fastest; their number is the product of `shape`. */
  readonly values: IdxValues;
}

/** Most values of an array by default: they come to 4 GiB of features. */
const DEFAULT_MAX_VALUES = 2 ** 30;

/** Most bytes of a header: 255 dimensions. */
const MAX_HEADER_BYTES = 4 + 4 * 255;

/** Most bytes of a file in gzip. */
const MAX_PACKED_BYTES = 2 ** 31;

/** How much {@linkcode parseIdx} takes. */
export interface IdxOptions {
  /**
   * Most values that an array may have; more are refused by its header, before they are read or
   * unpacked. Default 2³⁰.
   */
  maxValues?: number;
}

/** How {@linkcode readIdxDataset} makes samples. */
export interface IdxDatasetOptions extends IdxOptions {
  /** What each value is multiplied by. Default 1/255 for unsigned bytes, which gives 0 to 1, and 1 for other types. */
  scale?: number;
  /** Number of classes. Default: one more than the greatest label. */
  numClasses?: number;
}

/** How one element type is stored. */
interface ElementType {
  readonly type: IdxType;
  readonly size: number;
  readonly read: (view: DataView<ArrayBuffer>, count: number) => IdxValues;
}

const ELEMENT_TYPES: ReadonlyMap<number, ElementType> = new Map([
  [0x08, {
    type: "uint8",
    size: 1,
    read: (view, count) => new Uint8Array(view.buffer, view.byteOffset, count),
  }],
  [0x09, {
    type: "int8",
    size: 1,
    read: (view, count) => new Int8Array(view.buffer, view.byteOffset, count),
  }],
  [0x0B, {
    type: "int16",
    size: 2,
    read: (view, count) => {
      const values = new Int16Array(count);
      for (let i = 0; i < count; i++) values[i] = view.getInt16(2 * i);
      return values;
    },
  }],
  [0x0C, {
    type: "int32",
    size: 4,
    read: (view, count) => {
      const values = new Int32Array(count);
      for (let i = 0; i < count; i++) values[i] = view.getInt32(4 * i);
      return values;
    },
  }],
  [0x0D, {
    type: "float32",
    size: 4,
    read: (view, count) => {
      const values = new Float32Array(count);
      for (let i = 0; i < count; i++) values[i] = view.getFloat32(4 * i);
      return values;
    },
  }],
  [0x0E, {
    type: "float64",
    size: 8,
    read: (view, count) => {
      const values = new Float64Array(count);
      for (let i = 0; i < count; i++) values[i] = view.getFloat64(8 * i);
      return values;
    },
  }],
]);

/** What the first bytes of an IDX file say. */
interface IdxHeader {
  readonly element: ElementType;
  readonly shape: readonly number[];
  readonly count: number;
  readonly headerBytes: number;
  readonly totalBytes: number;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** Reads the header; `undefined` when it goes on past the given bytes. */
function parseHeader(start: Uint8Array<ArrayBuffer>, name: string): IdxHeader | undefined {
  if (start.length < 4) return undefined;
  const [zero0, zero1, code = 0, rank = 0] = start;
  if (zero0 !== 0 || zero1 !== 0) {
    throw new SyntaxError(
      `Cannot read ${name}: expected an IDX file, which starts with 00 00, got ${
        hex(start.subarray(0, 4))
      }`,
    );
  }
  const element = ELEMENT_TYPES.get(code);
  if (!element) {
    throw new SyntaxError(
      `Cannot read ${name}: expected an IDX element type of ${
        [...ELEMENT_TYPES.keys()].map((known) => hex(Uint8Array.of(known))).join(", ")
      }, got ${hex(Uint8Array.of(code))}`,
    );
  }
  if (rank === 0) throw new SyntaxError(`Cannot read ${name}: expected dimensions, got none`);
  const headerBytes = 4 + 4 * rank;
  if (start.length < headerBytes) return undefined;
  const view = new DataView(start.buffer, start.byteOffset, headerBytes);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const count = shape.reduce((product, size) => product * size, 1);
  const totalBytes = headerBytes + count * element.size;
  if (!Number.isSafeInteger(totalBytes)) {
    throw new SyntaxError(
      `Cannot read ${name}: its dimensions ${shape.join(" x ")} are more than any file holds`,
    );
  }
  return { element, shape, count, headerBytes, totalBytes };
}

/** Throws for more values than may be. */
function checkCount(
  { count, shape }: IdxHeader,
  name: string,
  { maxValues = DEFAULT_MAX_VALUES }: IdxOptions,
): void {
  if (count <= maxValues) return;
  throw new RangeError(
    `Cannot read ${name}: expected at most ${maxValues} values, got ${
      shape.join(" x ")
    } (option maxValues)`,
  );
}

/** Throws for a length that is not the one of the header. */
function checkLength({ shape, totalBytes }: IdxHeader, length: number, name: string): void {
  if (length < totalBytes) {
    throw new SyntaxError(
      `Cannot read ${name}: it is cut off, expected ${totalBytes} bytes for ${
        shape.join(" x ")
      } values, got ${length}`,
    );
  }
  if (length > totalBytes) {
    throw new SyntaxError(
      `Cannot read ${name}: expected it to end after ${totalBytes} bytes, got at least ${
        length - totalBytes
      } more`,
    );
  }
}

/**
 * Reads IDX data, plain or in gzip, of any of the six element types; `name` stands in error messages.
 *
 * The values of one-byte types are a view of `bytes` when these are not in gzip. Throws a `SyntaxError` when the bytes are not
 * IDX, are cut off or go on past the last value, and a `RangeError` for a header of more values
 * than `maxValues`. Nothing is allocated by what a header claims.
 *
 * Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits", has the format.
 *
 * @example Two rows of three bytes
 * ```ts
 * import { parseIdx } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6);
 * const { shape, values } = await parseIdx(bytes);
 * assertEquals(shape, [2, 3]);
 * assertEquals(values, Uint8Array.of(1, 2, 3, 4, 5, 6));
 * ```
 */
export async function parseIdx(
  bytes: Uint8Array<ArrayBuffer>,
  name = "IDX data",
  options: IdxOptions = {},
): Promise<IdxArray> {
  const limitOf = (start: Uint8Array<ArrayBuffer>) => {
    const header = parseHeader(start, name);
    // A header of more than gzip can hold is wrong: then the end of the data says so.
    if (header && header.totalBytes <= MOST_GROWTH * bytes.length) {
      checkCount(header, name, options);
    }
    return header?.totalBytes;
  };
  const raw = isGzip(bytes) ? await gunzip(bytes, name, limitOf) : bytes;
  const header = parseHeader(raw, name);
  if (!header) {
    const expected = raw.length < 4 ? 4 : 4 + 4 * (raw[3] ?? 0);
    throw new SyntaxError(
      `Cannot read ${name}: expected an IDX header of ${
        raw.length < 4 ? "at least " : ""
      }${expected} bytes, got ${raw.length}`,
    );
  }
  const { element, shape, count, headerBytes } = header;
  checkLength(header, raw.length, name);
  checkCount(header, name, options);
  const view = new DataView(raw.buffer, raw.byteOffset + headerBytes, count * element.size);
  return { shape, type: element.type, values: element.read(view, count) };
}

/** The samples of an images array and a labels array; the names stand in error messages. */
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
  const { values } = images;
  const features = shareableFloats(values.length);
  for (let i = 0; i < values.length; i++) {
    const feature = Math.fround((values[i] ?? 0) * scale);
    if (!Number.isFinite(feature)) {
      throw new RangeError(
        `Cannot read ${images.name}: expected finite features, got ${feature} in row ${
          Math.floor(i * length / values.length)
        }`,
      );
    }
    features[i] = feature;
  }
  const numClasses = countClasses(labels.values, options.numClasses, {
    name: labels.name,
    place: (index) => `row ${index}`,
  });
  // Models that convolve want a channel dimension, last.
  const shape = row.length === 2 ? [...row, 1] : row;
  return trustFinite(new Dataset(features, shareableInts(labels.values), shape, numClasses));
}

/**
 * Reads a file of samples and a file of their labels.
 *
 * Images of `rows x columns` get the row shape `[rows, columns, 1]`, channels last; other shapes are kept.
 *
 * Throws an error of one line that names the file: a `Deno.errors` class when it cannot be read, a `SyntaxError` when it is not
 * IDX, a `TypeError` when the dimensions are wrong (files swapped) or it is no file but a pipe or a
 * device, a `RangeError` when the numbers of rows or the labels do not fit, a feature is not
 * finite, or there are more values than `maxValues`.
 */
export async function readIdxDataset(
  imagesPath: string,
  labelsPath: string,
  options: IdxDatasetOptions = {},
): Promise<Dataset> {
  const read = async (name: string) => ({ name, ...await readIdx(name, options) });
  // Labels first: they are small, and a wrong path is then found before the long read.
  const labels = await read(labelsPath);
  return idxDataset(await read(imagesPath), labels, options);
}

/**
 * Reads an array from a file. One whose length is not what its header says is refused before it is
 * read.
 */
async function readIdx(path: string, options: IdxOptions): Promise<IdxArray> {
  const { start, size } = await readStart(path, MAX_HEADER_BYTES);
  const header = isGzip(start) ? undefined : parseHeader(start, path);
  if (header) {
    checkLength(header, size, path);
    checkCount(header, path, options);
  }
  const most = isGzip(start) ? MAX_PACKED_BYTES : size;
  return await parseIdx(await readBytes(path, { most }), path, options);
}

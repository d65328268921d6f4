/**
 * Parser of IDX, the format of MNIST: an array of one element type, plain or in gzip.
 *
 * @module
 */

import { shareableBytes } from "../../shareable.ts";
import { gunzip, isGzip, MOST_GROWTH } from "../gzip.ts";
import {
  checkLength,
  checkNumValues,
  type IdxOptions,
  type IdxType,
  type IdxValues,
  parseHeader,
} from "./idx_header.ts";

/** Content of an IDX file. */
export interface IdxArray {
  /** Sizes of the dimensions, outermost first, at least one. */
  readonly shape: readonly number[];
  /** Element type. */
  readonly type: IdxType;
  /** Elements, last dimension fastest; their number is the product of `shape`. */
  readonly values: IdxValues;
}

/**
 * Parses IDX data, plain or in gzip, of any of the six element types.
 *
 * The values of one-byte types are a view of `bytes` unless these are in gzip. No memory is
 * allocated for values that a header claims and the data lack.
 *
 * The format: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits".
 *
 * @param name Name of the data in messages.
 * @throws {SyntaxError} If the bytes are not IDX, are cut off, or go on past the last value.
 * @throws {RangeError} If there are more values than `maxValues`.
 *
 * @example Two rows of three bytes
 * ```ts
 * import { parseIdx } from "@fedlab/core/data";
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
  return await parse(bytes, name, options);
}

/** Parses IDX data as {@linkcode parseIdx} does; bytes in gzip become values in shared memory. */
export async function parseSharedIdx(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  options: IdxOptions = {},
): Promise<IdxArray> {
  return await parse(bytes, name, options, shareableBytes);
}

async function parse(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  options: IdxOptions,
  room?: (length: number) => Uint8Array<ArrayBuffer>,
): Promise<IdxArray> {
  const limitOf = (start: Uint8Array<ArrayBuffer>) => {
    const header = parseHeader(start, name);
    // A header of more than gzip can hold is wrong, which is found at the end of the data.
    if (header && header.totalBytes <= MOST_GROWTH * bytes.length) {
      checkNumValues(header, name, options);
    }
    return header?.totalBytes;
  };
  const raw = isGzip(bytes) ? await gunzip(bytes, name, limitOf, room) : bytes;
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
  checkNumValues(header, name, options);
  const view = new DataView(raw.buffer, raw.byteOffset + headerBytes, count * element.size);
  return { shape, type: element.type, values: element.read(view, count) };
}

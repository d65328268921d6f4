/**
 * Tensors that the header of a safetensors file lists, of any type.
 *
 * @module
 */

import { isCount } from "../../base/check.ts";
import { isRecord } from "../../base/json.ts";

/** Key of the metadata in a header. */
export const METADATA_KEY = "__metadata__";

/** Bytes of a value of each type that the format has. */
const VALUE_BYTES: Readonly<Record<string, number>> = {
  ...{ F64: 8, F32: 4, F16: 2, BF16: 2, F8_E4M3: 1, F8_E5M2: 1 },
  ...{ I64: 8, I32: 4, I16: 2, I8: 1, U64: 8, U32: 4, U16: 2, U8: 1, BOOL: 1 },
};

/** Tensor of a file. */
export interface TensorEntry {
  /** Name, unique in its file. */
  readonly name: string;
  /** Type of the values, such as `"F32"`. */
  readonly dtype: string;
  /** Dimensions; `[]` is a scalar. */
  readonly shape: readonly number[];
  /** Number of values: the product of the shape. */
  readonly length: number;
  /** Place of the first byte among the data, and of the byte after the last. */
  readonly bytes: readonly [begin: number, end: number];
}

/** Tensors of a file in the order of their data, and its metadata. */
export interface TensorList {
  /** Tensors. */
  readonly entries: readonly TensorEntry[];
  /** Metadata. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Number of bytes of all data. */
  readonly byteLength: number;
}

/**
 * Decodes the JSON of a header.
 *
 * @throws {SyntaxError} If it is no header, or the data of its tensors leave gaps or overlap.
 */
export function decodeEntries(text: Uint8Array): TensorList {
  const { [METADATA_KEY]: metadata, ...listed } = parseHeader(text);
  const entries = Object.entries(listed).map(([name, value]) => parseEntry(name, value))
    .sort((a, b) => a.bytes[0] - b.bytes[0] || a.bytes[1] - b.bytes[1]);
  let byteLength = 0;
  for (const { name, dtype, length, bytes: [begin, end] } of entries) {
    const size = VALUE_BYTES[dtype];
    if (
      begin !== byteLength || end < begin || size !== undefined && end - begin !== length * size
    ) {
      throw new SyntaxError(
        `expected tensor ${JSON.stringify(name)} to follow the one before it and fill its shape`,
      );
    }
    byteLength = end;
  }
  return { entries, metadata: parseMetadata(metadata), byteLength };
}

function parseHeader(text: Uint8Array): Record<string, unknown> {
  const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
  if (!isRecord(header)) throw new SyntaxError("expected the header to be an object");
  return header;
}

function parseMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value)) throw new SyntaxError("expected the metadata to be an object");
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)]));
}

function parseEntry(name: string, value: unknown): TensorEntry {
  const where = `tensor ${JSON.stringify(name)}`;
  if (!isRecord(value)) throw new SyntaxError(`expected ${where} to be an object`);
  const { dtype, shape, data_offsets: bytes } = value;
  const isCounts = (list: unknown): list is number[] => Array.isArray(list) && list.every(isCount);
  if (typeof dtype !== "string") {
    throw new TypeError(`expected ${where} to have a dtype, got ${JSON.stringify(dtype)}`);
  }
  if (!isCounts(shape) || !isCounts(bytes) || bytes.length !== 2) {
    throw new SyntaxError(`expected ${where} to have a shape and two data_offsets`);
  }
  const length = shape.reduce((product, size) => product * size, 1);
  return { name, dtype, shape, length, bytes: [bytes[0] ?? 0, bytes[1] ?? 0] };
}

/**
 * Models as safetensors files, which Python's `safetensors` and others open.
 *
 * @module
 */

import { errorMessage } from "../errors.ts";
import { Manifest, type ParameterVector } from "../params/manifest.ts";

/** The format's header begins after a 64-bit length; data begins at a multiple of this. */
const LENGTH_BYTES = 8;
const ALIGNMENT = 8;
const MAX_HEADER_BYTES = 100_000_000;
const METADATA_KEY = "__metadata__";
/** Which tensors are not trained by gradient; safetensors itself has no word for it. */
const NOT_TRAINABLE_KEY = "fedlab.not_trainable";

/** A model read from a file. */
export interface StoredModel {
  /** What the vector holds. */
  readonly manifest: Manifest;
  /** The vector. */
  readonly parameters: ParameterVector;
  /** The file's metadata. */
  readonly metadata: Readonly<Record<string, string>>;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/**
 * The bytes of a safetensors file up to its data; after them comes the vector as it is, since it lies in the manifest's order.
 *
 * The format: https://github.com/huggingface/safetensors#format
 */
export function encodeSafetensorsHeader(
  manifest: Manifest,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const notTrainable = manifest.tensors.filter((tensor) => !tensor.trainable).map(({ name }) =>
    name
  );
  const entries: [string, unknown][] = manifest.tensors.map((
    { name, shape, offset, length },
  ) => [name, {
    dtype: "F32",
    shape,
    data_offsets: [offset * 4, (offset + length) * 4],
  }]);
  const header = JSON.stringify(Object.fromEntries([
    [METADATA_KEY, { ...metadata, [NOT_TRAINABLE_KEY]: JSON.stringify(notTrainable) }],
    ...entries,
  ]));
  const text = new TextEncoder().encode(header);
  const length = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, LENGTH_BYTES);
  return bytes;
}

/**
 * Writes a vector to a file, in pieces: nothing as large as the model is made for it.
 *
 * Throws a `RangeError` when the vector does not fit the manifest.
 */
export async function writeSafetensors(
  path: string | URL,
  model: {
    manifest: Manifest;
    parameters: ParameterVector;
    metadata?: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const { manifest, parameters, metadata } = model;
  manifest.check(parameters);
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  await writeAll(file, encodeSafetensorsHeader(manifest, metadata));
  await writeAll(file, bytesOf(parameters));
  // What is renamed over an older file afterwards must be on the disk before.
  await file.sync();
}

/** A vector's bytes, as a view. */
export function bytesOf(vector: ParameterVector): Uint8Array<ArrayBuffer> {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await file.write(bytes.subarray(at, at + WRITE_BYTES));
  }
}

const WRITE_BYTES = 4 * 2 ** 20;

/**
 * Reads a file whose tensors are all float32.
 *
 * Throws a `SyntaxError` that names the file when it is not a whole safetensors file, and a `TypeError` for another element type.
 */
export async function readSafetensors(path: string | URL): Promise<StoredModel> {
  const bytes = await Deno.readFile(path);
  try {
    return decodeSafetensors(bytes);
  } catch (cause) {
    const Kind = cause instanceof TypeError ? TypeError : SyntaxError;
    throw new Kind(`Cannot read ${path}: ${errorMessage(cause)}`, { cause });
  }
}

function decodeSafetensors(bytes: Uint8Array<ArrayBuffer>): StoredModel {
  if (bytes.length < LENGTH_BYTES) {
    throw new SyntaxError(`expected at least 8 bytes, got ${bytes.length}`);
  }
  const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const start = LENGTH_BYTES + headerLength;
  if (headerLength > MAX_HEADER_BYTES || start > bytes.length) {
    throw new SyntaxError(
      `expected a header of ${headerLength} bytes, got ${bytes.length - LENGTH_BYTES} in the file`,
    );
  }
  const { [METADATA_KEY]: metadata, ...entries } = parseHeader(bytes.subarray(LENGTH_BYTES, start));
  const strings = parseMetadata(metadata);
  const { [NOT_TRAINABLE_KEY]: listed, ...rest } = strings;
  const notTrainable = new Set<unknown>(listed === undefined ? [] : JSON.parse(listed));
  const tensors = Object.entries(entries).map(([name, value]) => ({
    name,
    ...parseEntry(name, value),
  }))
    .sort((a, b) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1]);
  const manifest = Manifest.of(
    tensors.map(({ name, shape }) => ({ name, shape, trainable: !notTrainable.has(name) })),
  );
  for (const [i, { name, data_offsets: [begin, end] }] of tensors.entries()) {
    const spec = manifest.tensors[i];
    if (
      spec === undefined || begin !== spec.offset * 4 || end !== (spec.offset + spec.length) * 4
    ) {
      throw new SyntaxError(
        `expected tensor ${JSON.stringify(name)} to follow the one before it and fill its shape`,
      );
    }
  }
  if (bytes.length - start !== manifest.byteLength) {
    throw new SyntaxError(
      `expected ${manifest.byteLength} bytes of data, got ${bytes.length - start}`,
    );
  }
  return { manifest, parameters: new Float32Array(bytes.slice(start).buffer), metadata: rest };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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

function parseEntry(name: string, value: unknown): Entry {
  const where = `tensor ${JSON.stringify(name)}`;
  if (!isRecord(value)) throw new SyntaxError(`expected ${where} to be an object`);
  const { dtype, shape, data_offsets } = value;
  if (dtype !== "F32") {
    throw new TypeError(`expected ${where} to be of dtype F32, got ${JSON.stringify(dtype)}`);
  }
  const isCounts = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0);
  if (!isCounts(shape) || !isCounts(data_offsets) || data_offsets.length !== 2) {
    throw new SyntaxError(`expected ${where} to have a shape and two data_offsets`);
  }
  return { dtype, shape, data_offsets: [data_offsets[0] ?? 0, data_offsets[1] ?? 0] };
}

/**
 * Header of a safetensors file: names and shapes of the tensors, and metadata.
 *
 * @module
 */

import { isCount } from "../../base/check.ts";
import { isRecord } from "../../base/json.ts";
import { Manifest } from "../../params/manifest.ts";

/** Size of the header's length, which comes before it. */
export const LENGTH_BYTES = 8;
/** Divisor of the place at which the data begin. */
const ALIGNMENT = 8;
/** Largest header that the format permits. */
export const MAX_HEADER_BYTES = 100_000_000;
const METADATA_KEY = "__metadata__";
/** Key of the names of tensors that are not trained by gradient. */
const NOT_TRAINABLE_KEY = "fedlab.not_trainable";

/** Content of a header. */
export interface SafetensorsHeader {
  readonly manifest: Manifest;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/**
 * Encodes a safetensors file up to its data. The vector follows as it is: it is in the order of the
 * manifest. The metadata come first, in their order.
 *
 * The format: https://github.com/huggingface/safetensors#format
 *
 * @throws {RangeError} If a tensor has the name `__metadata__`, or the header is larger than 100
 * MB.
 */
export function encodeSafetensorsHeader(
  manifest: Manifest,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  if (manifest.tensors.some(({ name }) => name === METADATA_KEY)) {
    throw new RangeError(
      `Cannot write a safetensors file: expected no tensor with the name ${METADATA_KEY}`,
    );
  }
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
  if (length > MAX_HEADER_BYTES) {
    throw new RangeError(
      `Cannot write a safetensors file: expected a header of at most ${MAX_HEADER_BYTES} bytes, got ${length}`,
    );
  }
  const bytes = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, LENGTH_BYTES);
  return bytes;
}

/**
 * Decodes the JSON of a header.
 *
 * @throws {SyntaxError} If it is no header.
 * @throws {TypeError} If a tensor is not of type float32.
 */
export function decodeSafetensorsHeader(text: Uint8Array): SafetensorsHeader {
  const { [METADATA_KEY]: metadata, ...entries } = parseHeader(text);
  const { [NOT_TRAINABLE_KEY]: listed, ...rest } = parseMetadata(metadata);
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
  return { manifest, metadata: rest };
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
  const isCounts = (list: unknown): list is number[] => Array.isArray(list) && list.every(isCount);
  if (!isCounts(shape) || !isCounts(data_offsets) || data_offsets.length !== 2) {
    throw new SyntaxError(`expected ${where} to have a shape and two data_offsets`);
  }
  return { dtype, shape, data_offsets: [data_offsets[0] ?? 0, data_offsets[1] ?? 0] };
}

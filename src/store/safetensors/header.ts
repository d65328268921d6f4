/**
 * The header of a safetensors file: what its tensors are called, their shapes, and metadata.
 *
 * @module
 */

import { isCount } from "../../base/is_count.ts";
import { isRecord } from "../../base/json.ts";
import { Manifest } from "../../params/manifest.ts";

/** The format's header begins after a 64-bit length; data begins at a multiple of this. */
export const LENGTH_BYTES = 8;
const ALIGNMENT = 8;
/** The format's own limit. */
export const MAX_HEADER_BYTES = 100_000_000;
const METADATA_KEY = "__metadata__";
/** Which tensors are not trained by gradient; safetensors itself has no word for it. */
const NOT_TRAINABLE_KEY = "fedlab.not_trainable";

/** What a header says. */
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
 * The bytes of a safetensors file up to its data; after them comes the vector as it is, since it lies in the manifest's order.
 *
 * The metadata come first, in their order. Throws a `RangeError` for a tensor with the name `__metadata__` and for a header past 100 MB.
 *
 * The format: https://github.com/huggingface/safetensors#format
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

/** Reads a header's JSON. Throws a `SyntaxError` when it is none, and a `TypeError` for another element type than float32. */
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

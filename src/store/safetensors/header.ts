/**
 * Header of a safetensors file: names and shapes of the tensors, and metadata.
 *
 * @module
 */

import { Manifest } from "../../params/manifest.ts";
import { decodeEntries, METADATA_KEY, type TensorList } from "./entries.ts";

/** Size of the header's length, which comes before it. */
export const LENGTH_BYTES = 8;
/** Divisor of the place at which the data begin. */
const ALIGNMENT = 8;
/** Largest header that the format permits. */
export const MAX_HEADER_BYTES = 100_000_000;
/** Key of the names of tensors that are not trained by gradient. */
const NOT_TRAINABLE_KEY = "fedlab.not_trainable";

/** Content of a header. */
export interface SafetensorsHeader {
  readonly manifest: Manifest;
  readonly metadata: Readonly<Record<string, string>>;
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
 * Decodes the JSON of a header whose tensors are all of 32-bit floats.
 *
 * @throws {SyntaxError} If it is no header.
 * @throws {TypeError} If a tensor is not of type float32.
 */
export function decodeSafetensorsHeader(text: Uint8Array): SafetensorsHeader {
  const list = decodeEntries(text);
  for (const { name, dtype } of list.entries) {
    if (dtype === "F32") continue;
    throw new TypeError(
      `expected tensor ${JSON.stringify(name)} to be of dtype F32, got ${JSON.stringify(dtype)}`,
    );
  }
  return layOutEntries(list);
}

/** Lays the tensors of a file out one after the other, whatever their type. */
export function layOutEntries({ entries, metadata }: TensorList): SafetensorsHeader {
  const { [NOT_TRAINABLE_KEY]: listed, ...rest } = metadata;
  const notTrainable = new Set<unknown>(listed === undefined ? [] : JSON.parse(listed));
  const manifest = Manifest.of(
    entries.map(({ name, shape }) => ({ name, shape, trainable: !notTrainable.has(name) })),
  );
  return { manifest, metadata: rest };
}

/**
 * Tensors of a base: floats of 32 or 16 bits, or whole numbers of 8 bits with scales.
 *
 * @module
 */

import type { TensorEntry } from "../../store/safetensors/entries.ts";
import { decodeEntries } from "../../store/safetensors/entries.ts";
import { LENGTH_BYTES, MAX_HEADER_BYTES } from "../../store/safetensors/header.ts";
import { type BaseFile, piecesOf } from "./base_file.ts";

/** Storage of the values of a base in its file. */
export type BasePrecision = "f32" | "f16" | "int8";

/** End of the name of the scales of a tensor of whole numbers. */
export const SCALE_END = ".scale";

/** Types of values that are read, by their name in the format. */
const PRECISIONS: Readonly<Record<string, BasePrecision>> = { F32: "f32", F16: "f16", I8: "int8" };

/** Bytes of a value. */
const VALUE_BYTES = { f32: 4, f16: 2, int8: 1 } as const;

/** Tensor of floats in a file. */
export interface BaseTensor {
  readonly shape: readonly number[];
  /** Number of values. */
  readonly length: number;
  readonly precision: BasePrecision;
  /** Place of its first byte in the file. */
  readonly at: number;
  /** Tensor of the scales, one for each row, where it has whole numbers. */
  readonly scales?: BaseTensor;
}

/** Content of a header. */
export interface BaseTensors {
  /** Tensors by name, in the order of the file. Those of other types, such as I64, are left out. */
  readonly tensors: ReadonlyMap<string, BaseTensor>;
  /** Precision of the file: the lowest of a tensor. */
  readonly precision: BasePrecision;
}

/**
 * Reads the header of a file.
 *
 * @throws {Error} If it is no whole safetensors file, or one without floats.
 */
export async function readTensors(file: BaseFile): Promise<BaseTensors> {
  if (file.size < LENGTH_BYTES) throw new SyntaxError(`got a file of ${file.size} bytes`);
  const prefix = new Uint8Array(LENGTH_BYTES);
  await file.read(0, prefix);
  const headerBytes = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  const start = LENGTH_BYTES + headerBytes;
  if (headerBytes > MAX_HEADER_BYTES || start > file.size) {
    throw new SyntaxError(`got a header of ${headerBytes} bytes in a file of ${file.size}`);
  }
  const header = new Uint8Array(headerBytes);
  await file.read(LENGTH_BYTES, header);
  const { entries, byteLength } = decodeEntries(header);
  if (file.size !== start + byteLength) {
    throw new SyntaxError(`expected ${byteLength} bytes of data, got ${file.size - start}`);
  }
  const tensors = new Map<string, BaseTensor>();
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  for (const entry of entries) {
    if (isScale(entry, byName)) continue;
    const tensor = tensorOf(entry, start);
    if (tensor === undefined) continue;
    tensors.set(
      entry.name,
      tensor.precision === "int8" ? { ...tensor, scales: scalesOf(entry, byName, start) } : tensor,
    );
  }
  if (tensors.size === 0) throw new SyntaxError("got no tensor of floats");
  const used = new Set(tensors.values().map(({ precision }) => precision));
  const precision = (["int8", "f16", "f32"] as const).find((one) => used.has(one)) ?? "f32";
  return { tensors, precision };
}

function tensorOf({ dtype, shape, length, bytes }: TensorEntry, start: number) {
  const precision = Object.hasOwn(PRECISIONS, dtype) ? PRECISIONS[dtype] : undefined;
  return precision && { shape, length, precision, at: start + bytes[0] };
}

function isScale({ name }: TensorEntry, byName: ReadonlyMap<string, TensorEntry>): boolean {
  return name.endsWith(SCALE_END) && byName.get(name.slice(0, -SCALE_END.length))?.dtype === "I8";
}

function scalesOf(
  { name, shape }: TensorEntry,
  byName: ReadonlyMap<string, TensorEntry>,
  start: number,
): BaseTensor {
  const entry = byName.get(`${name}${SCALE_END}`);
  const scales = entry?.dtype === "F32" ? tensorOf(entry, start) : undefined;
  if (scales && scales.length === shape[0]) return scales;
  throw new SyntaxError(
    `expected ${JSON.stringify(name)} of type I8 to have ${shape[0] ?? 1} scales of type F32`,
  );
}

/**
 * Reads the values of a tensor as 32-bit floats, in pieces.
 *
 * @param to Receives the values; its length is that of the tensor.
 */
export async function readTensor(
  file: BaseFile,
  { shape, length, precision, at, scales }: BaseTensor,
  to: Float32Array,
): Promise<void> {
  const size = VALUE_BYTES[precision];
  const factors = new Float32Array(scales?.length ?? 0);
  if (scales) await readTensor(file, scales, factors);
  const rowLength = length / (shape[0] || 1);
  let done = 0;
  for await (const { buffer, byteLength } of piecesOf(file, at, at + length * size)) {
    const count = byteLength / size;
    if (precision === "f32") to.set(new Float32Array(buffer, 0, count), done);
    else if (precision === "f16") to.set(new Float16Array(buffer, 0, count), done);
    else {
      const whole = new Int8Array(buffer, 0, count);
      for (let i = 0; i < count; i++) {
        to[done + i] = (whole[i] ?? 0) * (factors[Math.floor((done + i) / rowLength)] ?? NaN);
      }
    }
    done += count;
  }
}

/**
 * Files of a base in fewer bytes.
 *
 * @module
 */

import { bytesOf } from "../../base/bytes.ts";
import type { BaseFacts } from "./reference.ts";
import type { FrozenBase } from "./frozen_base.ts";
import { type BasePrecision, SCALE_END } from "./tensors.ts";
import { writeTensors, type WrittenTensor } from "./write_tensors.ts";

/** Largest whole number of 8 bits that is used; the smallest is its opposite. */
const MOST_INT8 = 127;

/**
 * Writes a base in another precision, and gives digest and size of the new file: it is another base
 * for a plan. The same base gives the same file on every machine.
 *
 * With `f16`, values are rounded to 16-bit floats. With `int8`, each row of a matrix, which is an
 * output of a dense layer or a token of an embedding, has whole numbers from -127 to 127 and a
 * scale of its own, in a tensor whose name ends in `.scale`; vectors stay 32-bit floats.
 *
 * @param path Path of the new file.
 * @throws {RangeError} If a value is too large for a 16-bit float.
 */
export async function writeBase(
  path: string,
  base: FrozenBase,
  precision: BasePrecision,
): Promise<BaseFacts> {
  const tensors = [...base.shapes].flatMap(([name, shape]) => writtenOf(name, shape, precision));
  return await writeTensors(path, tensors, contents());

  async function* contents() {
    for (const [name, shape] of base.shapes) {
      const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
      await base.read(name, values);
      yield* encoded(name, shape, values, precision);
    }
  }
}

function writtenOf(
  name: string,
  shape: readonly number[],
  precision: BasePrecision,
): WrittenTensor[] {
  const length = shape.reduce((product, size) => product * size, 1);
  if (precision === "f16") return [{ name, dtype: "F16", shape, byteLength: 2 * length }];
  if (precision === "f32" || shape.length < 2) {
    return [{ name, dtype: "F32", shape, byteLength: 4 * length }];
  }
  const rows = shape[0] ?? 0;
  return [
    { name: `${name}${SCALE_END}`, dtype: "F32", shape: [rows], byteLength: 4 * rows },
    { name, dtype: "I8", shape, byteLength: length },
  ];
}

function encoded(
  name: string,
  shape: readonly number[],
  values: Float32Array<ArrayBuffer>,
  precision: BasePrecision,
): Uint8Array<ArrayBuffer>[] {
  if (precision === "f32" || precision === "int8" && shape.length < 2) return [bytesOf(values)];
  if (precision === "f16") {
    const halves = new Float16Array(values);
    const wrong = halves.findIndex((half, i) =>
      !Number.isFinite(half) && Number.isFinite(values[i])
    );
    if (wrong >= 0) {
      throw new RangeError(
        `Cannot write ${name} as 16-bit floats: expected at most 65504, got ${values[wrong]}`,
      );
    }
    return [bytesOf(halves)];
  }
  const rows = shape[0] ?? 0, rowLength = values.length / (rows || 1);
  const scales = new Float32Array(rows), whole = new Int8Array(values.length);
  for (let row = 0; row < rows; row++) {
    const own = values.subarray(row * rowLength, (row + 1) * rowLength);
    const scale = Math.fround(own.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / MOST_INT8);
    scales[row] = scale;
    for (let i = 0; i < own.length && scale > 0; i++) {
      const rounded = Math.round((own[i] ?? 0) / scale);
      whole[row * rowLength + i] = Math.max(-MOST_INT8, Math.min(MOST_INT8, rounded));
    }
  }
  return [bytesOf(scales), bytesOf(whole)];
}

import { ByteFeatures } from "../data/byte_features.ts";
import { type Dataset, storedFeatures } from "../data/dataset.ts";
import { checkFiniteFeatures } from "../data/finite.ts";

/**
 * Checks rows of the data: all of them, or those that are listed, from place `from` to before `to`.
 *
 * @throws {RangeError} If the data does not have a row, or a feature is not finite.
 */
export function checkRows(data: Dataset, rows?: Uint32Array, from?: number, to?: number): void {
  const { length } = data;
  for (let place = from ?? 0; rows && place < (to ?? rows.length); place++) {
    const row = rows[place] ?? 0;
    if (row < length) continue;
    throw new RangeError(`Cannot use row ${row} of the data: expected 0 to ${length - 1}`);
  }
  checkFiniteFeatures(data, rows, from, to);
}

/** Copies the features of the listed rows of the data, one row after the other. */
export function copyFeatures(data: Dataset, rows: Uint32Array, into: Float32Array): void {
  const features = storedFeatures(data), { rowLength } = data;
  if (features instanceof ByteFeatures) {
    const { bytes, table } = features;
    rows.forEach((row, i) => {
      for (let k = 0; k < rowLength; k++) {
        into[i * rowLength + k] = table[bytes[row * rowLength + k] ?? 0] ?? NaN;
      }
    });
    return;
  }
  rows.forEach((row, i) =>
    into.set(features.subarray(row * rowLength, (row + 1) * rowLength), i * rowLength)
  );
}

/** Bytes of a line of the processor's cache. */
const LINE = 64;

/**
 * Reads a byte of each cache line of rows and returns their sum. Rows in random order arrive sooner
 * so, as the reads do not wait for each other.
 */
function sumOfLines(bytes: Uint8Array, rowLength: number, rows: Uint32Array): number {
  let sum = 0;
  for (let i = 0; i < rows.length; i++) {
    const start = (rows[i] ?? 0) * rowLength;
    for (let k = 0; k < rowLength; k += LINE) sum += bytes[start + k] ?? 0;
  }
  return sum;
}

/** Copies the features of the listed rows of the data, which are bytes. */
export function copyBytes(
  bytes: Uint8Array,
  rowLength: number,
  rows: Uint32Array,
  into: Uint8Array,
): void {
  // The sum is overwritten below: a result that nothing uses would not be computed.
  if (rows.length > 0) into[0] = sumOfLines(bytes, rowLength, rows);
  for (let i = 0; i < rows.length; i++) {
    const start = (rows[i] ?? 0) * rowLength;
    into.set(bytes.subarray(start, start + rowLength), i * rowLength);
  }
}

/** Copies the targets of the listed rows of the data, one row after the other. */
export function copyTargets(
  { targets, outputs }: Dataset,
  rows: Uint32Array,
  into: Int32Array | Float32Array,
): void {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0;
    for (let k = 0; k < outputs; k++) into[i * outputs + k] = targets[row * outputs + k] ?? 0;
  }
}

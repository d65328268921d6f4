import { bytesOf } from "../../base/bytes.ts";
import type { TensorEntry } from "./entries.ts";
import { type ByteSource, readAll } from "./file.ts";

/** Values that are converted at once. */
const PIECE_VALUES = 2 ** 19;

/** Converts values of a type to 32-bit floats. */
type Convert = (bytes: Uint8Array<ArrayBuffer>, to: Float32Array) => void;

const CONVERSIONS: Readonly<Record<string, { readonly size: number; readonly convert: Convert }>> =
  {
    F64: { size: 8, convert: ({ buffer }, to) => to.set(new Float64Array(buffer, 0, to.length)) },
    F16: { size: 2, convert: ({ buffer }, to) => to.set(new Float16Array(buffer, 0, to.length)) },
    // The upper half of a 32-bit float.
    BF16: {
      size: 2,
      convert({ buffer }, to) {
        const halves = new Uint16Array(buffer, 0, to.length);
        const bits = new Uint32Array(to.buffer, to.byteOffset, to.length);
        for (let i = 0; i < bits.length; i++) bits[i] = (halves[i] ?? 0) << 16;
      },
    },
  };

/** Types whose values can be read as 32-bit floats. */
export const FLOAT_TYPES: readonly string[] = ["F32", ...Object.keys(CONVERSIONS)];

/**
 * Reads the values of the next tensor of a file, and converts them to 32-bit floats.
 *
 * @param to Receives the values; its length is that of the entry.
 * @throws {TypeError} If the tensor is not of floats of 16, 32 or 64 bits.
 * @throws {RangeError} If a finite value is too large for a 32-bit float.
 */
export async function readFloats(
  file: ByteSource,
  { name, dtype, length }: TensorEntry,
  to: Float32Array<ArrayBuffer>,
): Promise<void> {
  if (dtype === "F32") return await readAll(file, bytesOf(to));
  const conversion = CONVERSIONS[dtype];
  if (conversion === undefined) {
    throw new TypeError(
      `expected tensor ${JSON.stringify(name)} to be of dtype ${FLOAT_TYPES.join(", ")}, got ${
        JSON.stringify(dtype)
      }`,
    );
  }
  const { size, convert } = conversion;
  const piece = new Uint8Array(Math.min(length, PIECE_VALUES) * size);
  for (let at = 0; at < length; at += PIECE_VALUES) {
    const values = to.subarray(at, Math.min(at + PIECE_VALUES, length));
    const bytes = piece.subarray(0, values.length * size);
    await readAll(file, bytes);
    convert(bytes, values);
    if (dtype === "F64") checkRange(new Float64Array(piece.buffer, 0, values.length), values, name);
  }
}

function checkRange(wide: Float64Array, narrow: Float32Array, name: string): void {
  const wrong = wide.findIndex((x, i) => Number.isFinite(x) && !Number.isFinite(narrow[i]));
  if (wrong < 0) return;
  throw new RangeError(
    `expected tensor ${JSON.stringify(name)} to fit into 32-bit floats, got ${wide[wrong]}`,
  );
}

/** Reads past the data of the next tensor of a file. */
export async function skipTensor(
  file: ByteSource,
  { bytes: [begin, end] }: TensorEntry,
): Promise<void> {
  const piece = new Uint8Array(Math.min(end - begin, PIECE_VALUES));
  for (let rest = end - begin; rest > 0; rest -= piece.length) {
    await readAll(file, piece.subarray(0, Math.min(rest, piece.length)));
  }
}

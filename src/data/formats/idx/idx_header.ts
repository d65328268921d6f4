/**
 * Header and element types of IDX files.
 *
 * @module
 */

/** Element type of an IDX file. */
export type IdxType = "uint8" | "int8" | "int16" | "int32" | "float32" | "float64";

/** Values of an IDX file, in the byte order of the machine. */
export type IdxValues =
  | Uint8Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

/** Most values of an array by default: their features take 4 GiB. */
const DEFAULT_MAX_VALUES = 2 ** 30;

/** Most bytes of a header: 255 dimensions. */
export const MAX_HEADER_BYTES = 4 + 4 * 255;

/** Options of {@linkcode parseIdx}. */
export interface IdxOptions {
  /**
   * Most values of an array. A larger array is refused by its header, before its values are read or
   * decompressed.
   *
   * @default {2 ** 30}
   */
  maxValues?: number;
}

/** Storage of an element type. */
interface ElementType {
  readonly type: IdxType;
  /** Bytes of an element. */
  readonly size: number;
  /** Reads elements from the beginning of a view. */
  readonly read: (view: DataView<ArrayBuffer>, count: number) => IdxValues;
}

/** Makes an element type of several bytes, which IDX stores in big-endian order. */
function wide<Values extends IdxValues>(
  type: IdxType,
  Values: { new (length: number): Values; readonly BYTES_PER_ELEMENT: number },
  get: (view: DataView, offset: number) => number,
): ElementType {
  const size = Values.BYTES_PER_ELEMENT;
  return {
    type,
    size,
    read: (view, count) => {
      const values = new Values(count);
      for (let i = 0; i < count; i++) values[i] = get(view, size * i);
      return values;
    },
  };
}

const ELEMENT_TYPES: ReadonlyMap<number, ElementType> = new Map([
  [0x08, {
    type: "uint8",
    size: 1,
    read: (view, count) => new Uint8Array(view.buffer, view.byteOffset, count),
  }],
  [0x09, {
    type: "int8",
    size: 1,
    read: (view, count) => new Int8Array(view.buffer, view.byteOffset, count),
  }],
  [0x0B, wide("int16", Int16Array, (view, offset) => view.getInt16(offset))],
  [0x0C, wide("int32", Int32Array, (view, offset) => view.getInt32(offset))],
  [0x0D, wide("float32", Float32Array, (view, offset) => view.getFloat32(offset))],
  [0x0E, wide("float64", Float64Array, (view, offset) => view.getFloat64(offset))],
]);

/** Header of an IDX file. */
export interface IdxHeader {
  readonly element: ElementType;
  readonly shape: readonly number[];
  /** Number of values. */
  readonly count: number;
  readonly headerBytes: number;
  readonly totalBytes: number;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/**
 * Parses a header. Gives `undefined` when it goes on past the given bytes.
 *
 * @throws {SyntaxError} If it is no header.
 */
export function parseHeader(start: Uint8Array<ArrayBuffer>, name: string): IdxHeader | undefined {
  if (start.length < 4) return undefined;
  const [zero0, zero1, code = 0, rank = 0] = start;
  if (zero0 !== 0 || zero1 !== 0) {
    throw new SyntaxError(
      `Cannot read ${name}: expected an IDX file, which starts with 00 00, got ${
        hex(start.subarray(0, 4))
      }`,
    );
  }
  const element = ELEMENT_TYPES.get(code);
  if (!element) {
    throw new SyntaxError(
      `Cannot read ${name}: expected an IDX element type of ${
        [...ELEMENT_TYPES.keys()].map((known) => hex(Uint8Array.of(known))).join(", ")
      }, got ${hex(Uint8Array.of(code))}`,
    );
  }
  if (rank === 0) throw new SyntaxError(`Cannot read ${name}: expected dimensions, got none`);
  const headerBytes = 4 + 4 * rank;
  if (start.length < headerBytes) return undefined;
  const view = new DataView(start.buffer, start.byteOffset, headerBytes);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const count = shape.reduce((product, size) => product * size, 1);
  const totalBytes = headerBytes + count * element.size;
  if (!Number.isSafeInteger(totalBytes)) {
    throw new SyntaxError(
      `Cannot read ${name}: its dimensions ${shape.join(" x ")} are more than any file holds`,
    );
  }
  return { element, shape, count, headerBytes, totalBytes };
}

/** Throws a `RangeError` for more values than `maxValues`. */
export function checkNumValues(
  { count, shape }: IdxHeader,
  name: string,
  { maxValues = DEFAULT_MAX_VALUES }: IdxOptions,
): void {
  if (count <= maxValues) return;
  throw new RangeError(
    `Cannot read ${name}: expected at most ${maxValues} values, got ${
      shape.join(" x ")
    } (option maxValues)`,
  );
}

/** Throws a `SyntaxError` for a file whose length differs from that of its header. */
export function checkLength({ shape, totalBytes }: IdxHeader, length: number, name: string): void {
  if (length < totalBytes) {
    throw new SyntaxError(
      `Cannot read ${name}: it is cut off, expected ${totalBytes} bytes for ${
        shape.join(" x ")
      } values, got ${length}`,
    );
  }
  if (length > totalBytes) {
    throw new SyntaxError(
      `Cannot read ${name}: expected it to end after ${totalBytes} bytes, got at least ${
        length - totalBytes
      } more`,
    );
  }
}

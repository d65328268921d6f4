import { checkInRange } from "../base/check.ts";
import type { Instance, KernelsExports, Pointer } from "./instance.ts";
import { pick } from "./sweep.ts";

const BYTES = Float32Array.BYTES_PER_ELEMENT;
/** Most columns of a block: with a hundred rows it still fits in the cache. */
const MOST_COLUMNS = 4096;
/** Most values of a block whose rows are compared in pairs. */
const VALUES_OF_PAIRS = 2 ** 16;

/**
 * Computes the median of each coordinate over vectors of one length; the mean of the two middle
 * values for an even number of vectors.
 *
 * Vectors pass through WebAssembly a block of coordinates at a time, so its memory does not grow
 * with their number. Values must not be NaN.
 *
 * @param vectors The vectors; at most about 20,000.
 * @param into Receives the medians; it may be one of the vectors.
 * @throws {RangeError} If there is no vector, there are too many, or lengths differ.
 *
 * @example
 * ```ts
 * import { columnMedian } from "@fedlab/core/params";
 * import { assertEquals } from "@std/assert";
 *
 * const vectors = [[1, 9], [5, 7], [3, 1e9]].map((values) => new Float32Array(values));
 * const median = new Float32Array(2);
 * columnMedian(vectors, median);
 * assertEquals([...median], [3, 9]);
 * ```
 */
export function columnMedian(vectors: readonly Float32Array[], into: Float32Array): void {
  const what = "Cannot take the median";
  eachBlock(what, vectors, into, "median", (exports, { out, matrix, columns, scratch }) => {
    exports.median(out, matrix, vectors.length, columns, scratch);
  });
}

/**
 * Computes the mean of each coordinate over vectors of one length, without its `trim` lowest and
 * `trim` highest values.
 *
 * Otherwise as {@linkcode columnMedian}.
 *
 * @throws {RangeError} If `2 * trim` is not below the number of vectors, and as
 * {@linkcode columnMedian}.
 */
export function columnTrimmedMean(
  vectors: readonly Float32Array[],
  trim: number,
  into: Float32Array,
): void {
  const what = "Cannot take the trimmed mean";
  const range = { whole: true, least: 0, below: vectors.length / 2 };
  const wanted = `to trim less than half of ${vectors.length} values at each end`;
  checkInRange(trim, range, what, wanted);
  eachBlock(what, vectors, into, "trimmed_mean", (exports, { out, matrix, columns, scratch }) => {
    exports.trimmed_mean(out, matrix, vectors.length, columns, trim, scratch);
  });
}

/**
 * Computes the mean of the `keep` values of each coordinate that are closest to its median, over
 * vectors of one length; of two equally close values the lower one.
 *
 * Otherwise as {@linkcode columnMedian}.
 *
 * @throws {RangeError} If `keep` is not from 1 to the number of vectors, and as
 * {@linkcode columnMedian}.
 */
export function columnMeanAroundMedian(
  vectors: readonly Float32Array[],
  keep: number,
  into: Float32Array,
): void {
  const what = "Cannot take the mean around the median";
  const range = { whole: true, least: 1, most: vectors.length };
  checkInRange(keep, range, what, `to keep 1 to ${vectors.length} values`);
  eachBlock(what, vectors, into, "mean_around_median", (exports, block) => {
    const { out, matrix, columns, scratch } = block;
    exports.mean_around_median(out, matrix, vectors.length, columns, keep, scratch);
  });
}

/**
 * Computes the squared L2 distance between each two of `n` vectors of one length, to a relative
 * error below 1e-6.
 *
 * Otherwise as {@linkcode columnMedian}.
 *
 * @returns `n * n` values: that of the vectors i and j at `i * n + j` and at `j * n + i`.
 */
export function squaredDistances(vectors: readonly Float32Array[]): Float64Array<ArrayBuffer> {
  const length = checkLengths("Cannot take the distances", vectors, vectors[0]);
  const instance = pick(vectors);
  const { buffer, exports } = instance;
  const rows = vectors.length;
  const { start, values } = scratchOf(instance);
  // The distances of a row come first, two values each, since they are in float64.
  const columns = columnsFor(instance, Math.min(values - 2 * rows, VALUES_OF_PAIRS) / rows);
  const matrix = start + 2 * rows * BYTES;
  const found = new Float64Array(rows * rows);
  for (let at = 0; at < length; at += columns) {
    const width = Math.min(columns, length - at);
    place(instance, vectors, { matrix, at, width, columns: width });
    for (let i = 0; i < rows - 1; i++) {
      const one = matrix + i * width * BYTES;
      exports.squared_distances(start, one, one + width * BYTES, rows - i - 1, width);
      const distances = new Float64Array(buffer, start, rows - i - 1);
      distances.forEach((distance, k) => {
        const place = i * rows + i + 1 + k;
        found[place] = (found[place] ?? 0) + distance;
      });
    }
  }
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) found[i * rows + j] = found[j * rows + i] ?? NaN;
  }
  return found;
}

/** Layout of a block of coordinates in the scratch memory. */
interface Block {
  readonly out: Pointer;
  readonly matrix: Pointer;
  readonly columns: number;
  readonly scratch: Pointer;
}

/** Runs a kernel over all columns, a block at a time, and copies its results to `into`. */
function eachBlock(
  what: string,
  vectors: readonly Float32Array[],
  into: Float32Array,
  name: "median" | "trimmed_mean" | "mean_around_median",
  kernel: (exports: KernelsExports, block: Block) => void,
): void {
  const length = checkLengths(what, vectors, into);
  const instance = pick([into, ...vectors]);
  const { buffer, exports } = instance;
  const rows = vectors.length;
  const { start, values } = scratchOf(instance);
  const ownValues = exports[`${name}_scratch`](rows);
  const columns = columnsFor(instance, (values - ownValues) / (rows + 1));
  const block = { scratch: start, out: start + ownValues * BYTES, columns };
  const matrix = block.out + columns * BYTES;
  for (let at = 0; at < length; at += columns) {
    const width = Math.min(columns, length - at);
    place(instance, vectors, { matrix, at, width, columns });
    kernel(exports, { ...block, matrix });
    into.set(new Float32Array(buffer, block.out, width), at);
  }
}

/** Returns start and number of values of the scratch memory as a whole. */
function scratchOf({ scratch, block }: Instance): { start: Pointer; values: number } {
  return { start: scratch[0] ?? 0, values: scratch.length * block };
}

/** Returns the most columns that there is room for, in whole tiles. */
function columnsFor({ exports }: Instance, room: number): number {
  const tile = exports.tile();
  const columns = Math.floor(Math.min(room, MOST_COLUMNS) / tile) * tile;
  if (columns < tile) {
    throw new RangeError("Cannot compare the vectors: expected fewer of them at once");
  }
  return columns;
}

/**
 * Copies `width` columns of the vectors, from `at` on, into a matrix with rows of `columns` values.
 */
function place(
  { buffer }: Instance,
  vectors: readonly Float32Array[],
  to: { matrix: Pointer; at: number; width: number; columns: number },
): void {
  const { matrix, at, width, columns } = to;
  const block = new Float32Array(buffer, matrix, vectors.length * columns);
  vectors.forEach((vector, row) => block.set(vector.subarray(at, at + width), row * columns));
}

function checkLengths(
  what: string,
  vectors: readonly Float32Array[],
  into: Float32Array | undefined,
): number {
  if (into === undefined || vectors.length === 0) {
    throw new RangeError(`${what}: expected at least one vector, got none`);
  }
  for (const { length } of vectors) {
    if (length !== into.length) {
      throw new RangeError(`${what}: expected ${into.length} values, got ${length}`);
    }
  }
  return into.length;
}

import { stats } from "../params/kernels.ts";
import { ByteFeatures } from "./byte_features.ts";
import { type Dataset, storedFeatures } from "./dataset.ts";

/** Rows with a feature that is not finite, by data set: each set is searched once. */
const wrongRows = new WeakMap<Dataset, ReadonlySet<number>>();
const NONE: ReadonlySet<number> = new Set();

/** Marks data whose features are known to be finite, and gives them. */
export function trustFinite(data: Dataset): Dataset {
  wrongRows.set(data, NONE);
  return data;
}

/** Returns true if all features are finite. */
export function isFiniteData(data: Dataset): boolean {
  return wrongRowsOf(data).size === 0;
}

/**
 * Checks that features are finite. Changes of the data after the first check go unnoticed.
 *
 * @param rows Rows to check. Default: all rows.
 * @param from Index in `rows` of the first row to check.
 * @param to Index in `rows` after the last row to check.
 * @throws {RangeError} If a feature is not finite. The message names the first such row.
 */
export function checkFiniteFeatures(
  data: Dataset,
  rows?: ArrayLike<number>,
  from = 0,
  to = (rows ?? data).length,
): void {
  const wrong = wrongRowsOf(data);
  if (wrong.size === 0) return;
  for (let place = from; place < to; place++) {
    const row = rows ? rows[place] ?? -1 : place;
    if (!wrong.has(row)) continue;
    const value = rowOf(data, row).find((x) => !Number.isFinite(x));
    throw new RangeError(
      `Cannot use the data: expected finite features, got ${value} in row ${row}`,
    );
  }
}

function rowOf({ features, rowLength }: Dataset, row: number): Float32Array {
  return features.subarray(row * rowLength, (row + 1) * rowLength);
}

function wrongRowsOf(data: Dataset): ReadonlySet<number> {
  const known = wrongRows.get(data);
  if (known) return known;
  // All products of bytes are finite.
  if (storedFeatures(data) instanceof ByteFeatures) return NONE;
  const wrong = new Set<number>();
  const rows = stats(data.features).nonFinite === 0 ? 0 : data.length;
  for (let row = 0; row < rows; row++) {
    if (rowOf(data, row).some((x) => !Number.isFinite(x))) wrong.add(row);
  }
  wrongRows.set(data, wrong);
  return wrong;
}

import { stats } from "../params/kernels.ts";
import type { Dataset } from "./dataset.ts";

/** The rows of data sets that have a feature that is not finite: each set is looked through once. */
const wrongRows = new WeakMap<Dataset, ReadonlySet<number>>();
const NONE: ReadonlySet<number> = new Set();

/** Remembers that all features are finite, where whoever made the data has seen to it. */
export function trustFinite(data: Dataset): Dataset {
  wrongRows.set(data, NONE);
  return data;
}

/** Whether all features are finite. */
export function isFiniteData(data: Dataset): boolean {
  return wrongRowsOf(data).size === 0;
}

/**
 * Throws a `RangeError` that names the first row with a feature that is not finite, of all rows or of those that are listed, from
 * place `from` to before `to`. What is written into the data after the first look is not seen.
 */
export function checkFinite(
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
  const wrong = stats(data.features).nonFinite === 0 ? NONE : new Set(
    data.labels.keys().filter((row) => rowOf(data, row).some((x) => !Number.isFinite(x))),
  );
  wrongRows.set(data, wrong);
  return wrong;
}

import { checkFinite } from "../data/_finite.ts";
import type { Dataset } from "../data/dataset.ts";

/** Throws a `RangeError` for places `from` to before `to` that are not among the first `length`, and for none at all. */
export function checkRange(from: number, to: number, length: number): void {
  if (length === 0) throw new RangeError("Cannot evaluate: expected at least one row, got 0 rows");
  if (Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from < to && to <= length) {
    return;
  }
  throw new RangeError(
    `Cannot evaluate: expected one row or more from 0 to before ${length}, got ${from} to before ${to}`,
  );
}

/**
 * Throws a `RangeError` for a row, of all or of those that are listed, from place `from` to before `to`, that the data do not have or
 * that has a feature that is not finite.
 */
export function checkRows(data: Dataset, rows?: Uint32Array, from?: number, to?: number): void {
  const { length } = data;
  const wrong = rows?.subarray(from, to).find((row) => row >= length);
  if (wrong !== undefined) {
    throw new RangeError(`Cannot use row ${wrong} of the data: expected 0 to ${length - 1}`);
  }
  checkFinite(data, rows, from, to);
}

import { checkFinite } from "../data/finite.ts";
import type { Dataset } from "../data/dataset.ts";

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

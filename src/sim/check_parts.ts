import { checkFiniteFeatures } from "../data/finite.ts";
import type { Dataset } from "../data/dataset.ts";

/**
 * Checks the rows of the clients.
 *
 * @throws {RangeError} If a client has no rows, or a row is not in the data or is not finite.
 */
export function checkParts(
  parts: readonly ArrayLike<number>[],
  data: Dataset,
  purpose: string,
): void {
  const { length } = data;
  parts.forEach((part, i) => {
    const whose = `the client of rank ${i + 1}`;
    if (part.length === 0) {
      throw new RangeError(`Cannot simulate: ${whose} has no samples${purpose}`);
    }
    for (let k = 0; k < part.length; k++) {
      const row = part[k] ?? NaN;
      if (Number.isInteger(row) && row >= 0 && row < length) continue;
      throw new RangeError(
        `Cannot simulate: expected rows 0 to ${length - 1} of ${whose}${purpose}, got ${row}`,
      );
    }
    checkFiniteFeatures(data, part);
  });
}

import { MOST_NAME_LENGTH } from "../../wire/messages/statistics_request.ts";
import type { ValueCount } from "../../wire/messages/statistics.ts";
import { MOST_VALUES, VALUES_BYTES } from "./limits.ts";

/**
 * Returns the counts that may leave the site: those of at least `minCount` rows, the largest first,
 * within the limits on their number and size.
 */
export function shareableCounts(
  counts: ReadonlyMap<string, number>,
  minCount: number,
): ValueCount[] {
  const sorted = [...counts]
    .filter(([name, rows]) => rows >= minCount && name.length <= MOST_NAME_LENGTH)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  let bytes = 0;
  return sorted.slice(0, MOST_VALUES)
    .filter(([name]) => (bytes += 3 * name.length + 10) <= VALUES_BYTES);
}

/**
 * Partition by ids that the data have.
 *
 * @module
 */

import { Random } from "../../base/random.ts";
import { checkCount, checkEnoughRows, cut, joinParts } from "./rows.ts";
import type { Partition, PartitionSeedOptions } from "./types.ts";

/** Options of {@linkcode partitionIds}. */
export interface PartitionIdsOptions extends PartitionSeedOptions {
  /** Number of parts, up to the number of different ids. */
  parts: number;
}

/**
 * Partitions rows by an id of each, such as the writer of a letter or the hospital of a case.
 *
 * Without options each id is a part, in order of first appearance. With them, the ids are assigned
 * at random to `parts` parts whose numbers of ids differ by at most one; the rows of an id stay
 * together. The parts are disjoint and cover all rows.
 *
 * @throws {RangeError} If `parts` is below 1 or above the number of ids.
 *
 * @example Part for each writer
 * ```ts
 * import { partitionIds } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const parts = partitionIds(["ann", "bob", "ann", "cy"]);
 * assertEquals(parts.map((rows) => [...rows]), [[0, 2], [1], [3]]);
 * ```
 */
export function partitionIds(
  ids: ArrayLike<number | string>,
  options?: PartitionIdsOptions,
): Partition {
  const rows = new Map<number | string, number[]>();
  for (let row = 0; row < ids.length; row++) {
    const id = ids[row] ?? "";
    const own = rows.get(id);
    if (own) own.push(row);
    else rows.set(id, [row]);
  }
  const each = Array.from(rows.values(), (own) => Uint32Array.from(own));
  if (options === undefined) {
    checkEnoughRows(ids.length, 1);
    return each;
  }
  const { parts, seed } = options;
  checkCount("parts", parts);
  if (parts > each.length) {
    throw new RangeError(
      `Cannot partition the data: expected at least one id for each of ${parts} parts, got ${each.length} ids`,
    );
  }
  const order = new Random(seed, "partition").permutation(each.length);
  return joinParts(
    cut(order, parts).map((group) => Array.from(group, (id) => each[id] ?? new Uint32Array())),
  );
}

/**
 * Partition without skew.
 *
 * @module
 */

import { Random } from "../../base/random.ts";
import { permutation } from "../../params/permutation.ts";
import { checkCount, cut } from "./rows.ts";
import type { Partition, PartitionData, PartitionSeedOptions } from "./types.ts";

/**
 * Partitions rows at random, so that every part has about the distribution of all data.
 *
 * The parts are disjoint, cover all rows, and their sizes differ by at most one.
 *
 * @throws {RangeError} If `parts` is below 1 or above the number of rows.
 *
 * @example Five rows for two clients
 * ```ts
 * import { partitionIid } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const parts = partitionIid([0, 1, 0, 1, 0], 2, { seed: 1 });
 * assertEquals(parts.map((rows) => rows.length), [2, 3]);
 * ```
 */
export function partitionIid(
  data: PartitionData,
  parts: number,
  { seed }: PartitionSeedOptions,
): Partition {
  checkCount("parts", parts);
  return cut(permutation(new Random(seed, "partition"), data.length), parts);
}

/**
 * Partition by shards of sorted rows.
 *
 * @module
 */

import { Random } from "../../base/random.ts";
import { checkCount, cut, joinRows, labelsOf, rowsByLabel } from "./rows.ts";
import type { Partition, PartitionData, PartitionSeedOptions } from "./types.ts";

/** Options of {@linkcode partitionShards}. */
export interface PartitionShardsOptions extends PartitionSeedOptions {
  /**
   * Number of shards of each part.
   *
   * @default {2}
   */
  shardsPerPart?: number;
}

/**
 * Sorts the rows by label, cuts them into shards and gives each part some shards at random, so that
 * a part has few classes.
 *
 * The parts are disjoint and cover all rows; the sizes of shards differ by at most one.
 *
 * McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized Data",
 * section 3: the pathological non-IID partition of MNIST.
 *
 * @throws {RangeError} If `parts` or `shardsPerPart` is below 1, or there are fewer rows than
 * shards.
 *
 * @example One class for each client
 * ```ts
 * import { partitionShards } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const labels = [0, 1, 0, 1];
 * for (const rows of partitionShards(labels, 2, { seed: 1, shardsPerPart: 1 })) {
 *   assertEquals(new Set(Array.from(rows, (row) => labels[row])).size, 1);
 * }
 * ```
 */
export function partitionShards(
  data: PartitionData,
  parts: number,
  { seed, shardsPerPart = 2 }: PartitionShardsOptions,
): Partition {
  checkCount("parts", parts);
  checkCount("shards a part", shardsPerPart);
  const sorted = joinRows([...rowsByLabel(labelsOf(data)).values()]);
  const shards = cut(sorted, parts * shardsPerPart);
  const order = new Random(seed, "partition").permutation(shards.length);
  return Array.from({ length: parts }, (_, part) => {
    const dealt = order.subarray(part * shardsPerPart, (part + 1) * shardsPerPart);
    return joinRows(Array.from(dealt, (shard) => shards[shard] ?? new Uint32Array()));
  });
}

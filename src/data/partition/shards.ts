/**
 * Partition by shards of sorted rows.
 *
 * @module
 */

import { Random } from "../../base/random.ts";
import { checkCount, checkEnoughRows, cutSizes, joinRows, labelsOf, rowsByLabel } from "./rows.ts";
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
  const { length } = sorted, shards = parts * shardsPerPart;
  checkEnoughRows(length, shards);
  const edge = (shard: number) => Math.floor(shard * length / shards);
  const rows = new Uint32Array(length), sizes = new Uint32Array(parts);
  let filled = 0;
  for (const [place, shard] of new Random(seed, "partition").permutation(shards).entries()) {
    const from = edge(shard), to = edge(shard + 1), part = Math.floor(place / shardsPerPart);
    for (let i = from; i < to; i++) rows[filled++] = sorted[i] ?? 0;
    sizes[part] = (sizes[part] ?? 0) + to - from;
  }
  return cutSizes(rows, sizes);
}

/**
 * Dealing a data set out to clients: each algorithm says which rows are whose.
 *
 * @module
 */

import { Random } from "../random.ts";
import { Dataset } from "./dataset.ts";

/** What is dealt out: a data set, or its labels alone, one a row. */
export type PartitionData = Dataset | ArrayLike<number>;

/** Row indices of each part. */
export type Partition = Uint32Array<ArrayBuffer>[];

/** How {@linkcode partitionIid} deals. */
export interface PartitionIidOptions {
  /** Keys the random order. An integer from 0 to 2^32 - 1. */
  seed: number;
}

/** How {@linkcode partitionShards} deals. */
export interface PartitionShardsOptions extends PartitionIidOptions {
  /** Shards that each part gets. Default 2. */
  shardsPerPart?: number;
}

/** How {@linkcode partition} deals, by whatever algorithm. */
export interface PartitionOptions extends PartitionShardsOptions {
  /** Number of parts. */
  parts: number;
}

function labelsOf(data: PartitionData): ArrayLike<number> {
  return data instanceof Dataset ? data.labels : data;
}

function checkCount(what: string, count: number): void {
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(
      `Cannot partition the data: expected a whole number of ${what} from 1, got ${count}`,
    );
  }
}

/** Cuts the rows into runs whose sizes differ by at most one. */
function cut(rows: Uint32Array<ArrayBuffer>, runs: number): Partition {
  if (runs > rows.length) {
    throw new RangeError(
      `Cannot partition the data: expected at least one row for each of ${runs} pieces, got ${rows.length} rows`,
    );
  }
  const edge = (i: number) => Math.floor(i * rows.length / runs);
  return Array.from({ length: runs }, (_, i) => rows.slice(edge(i), edge(i + 1)));
}

/**
 * Deals the rows out at random, so that every part looks like the whole.
 *
 * The parts are disjoint, cover all rows, and their sizes differ by at most one. Throws a `RangeError` when `parts` is
 * below 1 or above the number of rows.
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
  { seed }: PartitionIidOptions,
): Partition {
  checkCount("parts", parts);
  return cut(new Random(seed, "partition").permutation(labelsOf(data).length), parts);
}

/**
 * Sorts the rows by label, cuts them into shards and deals each part its number of shards at random, so that a part holds
 * few classes.
 *
 * The parts are disjoint, cover all rows, and the sizes of shards differ by at most one. Throws a `RangeError` when `parts` or
 * `shardsPerPart` is below 1 or there are fewer rows than shards.
 *
 * McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized Data", section 3: the
 * pathological non-IID partition of MNIST.
 *
 * @example One class for each client
 * ```ts
 * import { partitionShards } from "@fedlab/core";
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
  const labels = labelsOf(data);
  const sorted = Uint32Array.from({ length: labels.length }, (_, row) => row)
    .sort((a, b) => (labels[a] ?? 0) - (labels[b] ?? 0) || a - b);
  const shards = cut(sorted, parts * shardsPerPart);
  const order = new Random(seed, "partition").permutation(shards.length);
  return Array.from({ length: parts }, (_, part) => {
    const dealt = order.subarray(part * shardsPerPart, (part + 1) * shardsPerPart);
    return Uint32Array.from(Array.from(dealt, (shard) => [...shards[shard] ?? []]).flat());
  });
}

const PARTITIONS: ReadonlyMap<
  string,
  (data: PartitionData, parts: number, options: PartitionShardsOptions) => Partition
> = new Map([["iid", partitionIid], ["shards", partitionShards]]);

/** Names that {@linkcode partition} knows. */
export const PARTITION_NAMES: readonly string[] = [...PARTITIONS.keys()];

/**
 * Deals the rows out by the algorithm of the given name: `"iid"` ({@linkcode partitionIid}) or `"shards"`
 * ({@linkcode partitionShards}). Throws a `TypeError` that lists the known names for another one, and what the algorithm throws.
 */
export function partition(name: string, data: PartitionData, options: PartitionOptions): Partition {
  const algorithm = PARTITIONS.get(name);
  if (!algorithm) {
    throw new TypeError(
      `Cannot partition the data: expected one of ${PARTITION_NAMES.join(", ")}, got ${
        JSON.stringify(name)
      }`,
    );
  }
  return algorithm(data, options.parts, options);
}

/**
 * Types of partitions.
 *
 * @module
 */

import type { Dataset } from "../dataset.ts";

/** Data to partition: a data set, or only the label of each row. */
export type PartitionData = Dataset | ArrayLike<number>;

/**
 * Indices of the rows of each part. The parts may be views of one array, so that a million of them
 * take little memory: use `slice()` for an array of its own.
 */
export type Partition = Uint32Array<ArrayBuffer>[];

/** Seed of a partition. */
export interface PartitionSeedOptions {
  /** Seed of the random draws, an integer from 0 to 2^32 - 1. */
  seed: number;
}

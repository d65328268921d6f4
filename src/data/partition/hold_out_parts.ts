import { holdOut } from "../split.ts";
import { cutSizes } from "./rows.ts";
import type { Partition, PartitionSeedOptions } from "./types.ts";

/** Options of {@linkcode holdOutParts}. */
export interface HoldOutPartsOptions extends PartitionSeedOptions {
  /** Share of the test rows of each part, between 0 and 1. */
  readonly share: number;
  /** Returns the number of a part for `holdOut()`. Default: from 1 on. */
  readonly indexOf?: (part: number) => number;
}

/**
 * Splits the rows of each part into training and test rows, as `holdOut()` does: views of one array
 * each.
 *
 * @throws {RangeError} If the share is not between 0 and 1, or a part has fewer than two rows.
 */
export function holdOutParts(
  parts: readonly ArrayLike<number>[],
  { share, seed, indexOf = (part) => part + 1 }: HoldOutPartsOptions,
): { readonly train: Partition; readonly test: Partition } {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const trainSizes = new Uint32Array(parts.length), testSizes = new Uint32Array(parts.length);
  const train = new Uint32Array(length), test = new Uint32Array(length);
  let toTrain = 0, toTest = 0;
  for (const [i, rows] of parts.entries()) {
    const held = holdOut(rows, { share, seed, index: indexOf(i) });
    train.set(held.train, toTrain);
    test.set(held.test, toTest);
    toTrain += trainSizes[i] = held.train.length;
    toTest += testSizes[i] = held.test.length;
  }
  return { train: cutSizes(train, trainSizes), test: cutSizes(test, testSizes) };
}

import { type Dataset, digits, partitionIid, trainTestSplit } from "@fedlab/core";

/** Digits that a page trains on, and those that it tests on: part `part` of `parts`, from 1. */
export async function partOf(
  part: number,
  parts: number,
): Promise<{ train: Dataset; test: Dataset }> {
  const { train, test } = trainTestSplit(await digits(), { seed: 1 });
  const rows = partitionIid(train, parts, { seed: 1 })[part - 1];
  if (rows === undefined) {
    throw new RangeError(`Cannot take part ${part} of ${parts}: expected 1 to ${parts}`);
  }
  return { train: train.select(rows), test };
}

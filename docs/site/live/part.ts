import type { Dataset } from "../../../src/data/dataset.ts";
import { digits } from "../../../src/data/digits.ts";
import { partitionLabels } from "../../../src/data/partition/labels.ts";
import { trainTestSplit } from "../../../src/data/split.ts";

const SEED = 1;
/** A client has half of the ten digits, and learns the others through the shared model. */
const LABELS_PER_PART = 5;

/** Returns the training pictures of a client, from 1, and the test pictures. */
export async function partOf(
  rank: number,
  clients: number,
): Promise<{ train: Dataset; test: Dataset }> {
  const { train, test } = trainTestSplit(await digits(), { seed: SEED });
  const parts = partitionLabels(train, clients, { seed: SEED, labelsPerPart: LABELS_PER_PART });
  return { train: train.select(parts[rank - 1] ?? []), test };
}

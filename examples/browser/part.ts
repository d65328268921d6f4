import { type Dataset, digits, partitionLabels, trainTestSplit } from "@fedlab/core";

const SEED = 1;
/** A part has half of the ten digits only: what it knows of the others it learns from the model. */
const LABELS_PER_PART = 5;

/** The digits that part `part` of `parts`, from 1, trains on, and those that nobody does. */
export async function partOf(
  part: number,
  parts: number,
): Promise<{ train: Dataset; test: Dataset }> {
  if (!(Number.isInteger(parts) && parts >= 1 && Number.isInteger(part) && part >= 1)) {
    throw new RangeError(`Cannot take part ${part} of ${parts}: expected whole numbers from 1`);
  }
  const { train, test } = trainTestSplit(await digits(), { seed: SEED });
  if (parts === 1) return { train, test };
  const rows = partitionLabels(train, parts, { seed: SEED, labelsPerPart: LABELS_PER_PART });
  const own = rows[part - 1];
  if (own === undefined) {
    throw new RangeError(`Cannot take part ${part} of ${parts}: expected 1 to ${parts}`);
  }
  return { train: train.select(own), test };
}

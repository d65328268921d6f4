import { type Dataset, digits, trainTestSplit } from "@fedlab/core";
import { partitionLabels } from "@fedlab/core/data";

const SEED = 1;
/** A part has only half of the ten digits; the page learns the others through the shared model. */
const LABELS_PER_PART = 5;

/** Returns the training digits of part `part` of `parts`, from 1, and the test digits. */
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

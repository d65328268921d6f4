import type { Dataset } from "../data/dataset.ts";
import type { EvaluateResult } from "../plan/results.ts";
import { checkRows } from "./rows.ts";
import { confusionOf, countsLength } from "./confusion.ts";
import type { Trainer } from "./trainer.ts";

/**
 * Number of samples that are evaluated at once: with more, a dense model gains nothing and a
 * convolution takes more memory.
 */
const EVALUATION_BATCH = 1024;

/** Rows of the data to evaluate, and whether to count predictions. */
interface EvaluateOptions {
  rows?: Uint32Array;
  from?: number;
  to?: number;
  confusion?: boolean;
}

/**
 * Evaluates a trainer's model in inference mode, piece by piece.
 *
 * @param beforeEach Awaited before each piece; throws to end the evaluation.
 * @throws {RangeError} If the data does not have the rows, there are none, or a feature is not
 * finite.
 */
export async function evaluateRows(
  trainer: Trainer,
  data: Dataset,
  { rows, from = 0, to = (rows ?? data).length, confusion = false }: EvaluateOptions,
  beforeEach: () => Promise<void>,
): Promise<EvaluateResult> {
  checkRange(from, to, (rows ?? data).length);
  checkRows(data, rows, from, to);
  const { classifies } = trainer, numSamples = to - from;
  const room = confusion && classifies ? countsLength(data.numClasses) : 0;
  const counts = room > 0 ? new Uint32Array(room) : undefined;
  let loss = 0, correct = 0;
  for (let start = from; start < to; start += EVALUATION_BATCH) {
    await beforeEach();
    const end = Math.min(start + EVALUATION_BATCH, to);
    const result = trainer.judge(data, start, end, { rows, counts });
    loss += result.loss;
    correct += result.correct;
  }
  return {
    numSamples,
    loss: loss / numSamples,
    ...(classifies && { accuracy: correct / numSamples }),
    ...(counts && { confusion: confusionOf(counts) }),
  };
}

/**
 * Checks that places `from` to before `to` are among the first `length`, and at least one.
 *
 * @throws {RangeError} If they are not.
 */
function checkRange(from: number, to: number, length: number): void {
  if (length === 0) throw new RangeError("Cannot evaluate: expected at least one row, got 0 rows");
  if (Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from < to && to <= length) {
    return;
  }
  throw new RangeError(
    `Cannot evaluate: expected one row or more from 0 to before ${length}, got ${from} to before ${to}`,
  );
}

import type { Dataset } from "../data/dataset.ts";
import type { EvaluateResult } from "../plan/results.ts";
import { checkRows } from "./rows.ts";
import { confusionOf, countsLength } from "./confusion.ts";
import type { Trainer } from "./trainer.ts";

/** Samples that are evaluated at once: past it a dense model gains nothing, and a convolution's memory only grows. */
const EVALUATION_BATCH = 1024;

/** Which rows of the data are evaluated, and whether it is counted what each class was taken for. */
interface EvaluateOptions {
  rows?: Uint32Array;
  from?: number;
  to?: number;
  confusion?: boolean;
}

/**
 * Evaluates a trainer's model in inference mode, piece by piece; `rest` is awaited before each and throws to end it. Rejects with a
 * `RangeError` for rows that the data do not have, no rows at all, and features that are not finite.
 */
export async function evaluateRows(
  trainer: Trainer,
  data: Dataset,
  { rows, from = 0, to = (rows ?? data).length, confusion = false }: EvaluateOptions,
  rest: () => Promise<void>,
): Promise<EvaluateResult> {
  checkRange(from, to, (rows ?? data).length);
  checkRows(data, rows, from, to);
  const { classifies } = trainer, numSamples = to - from;
  const room = confusion && classifies ? countsLength(data.numClasses) : 0;
  const counts = room > 0 ? new Uint32Array(room) : undefined;
  let loss = 0, correct = 0;
  for (let start = from; start < to; start += EVALUATION_BATCH) {
    await rest();
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

/** Throws a `RangeError` for places `from` to before `to` that are not among the first `length`, and for none at all. */
function checkRange(from: number, to: number, length: number): void {
  if (length === 0) throw new RangeError("Cannot evaluate: expected at least one row, got 0 rows");
  if (Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from < to && to <= length) {
    return;
  }
  throw new RangeError(
    `Cannot evaluate: expected one row or more from 0 to before ${length}, got ${from} to before ${to}`,
  );
}

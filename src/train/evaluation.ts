import type { Dataset } from "../data/dataset.ts";
import type { EvaluateResult } from "../plan/results.ts";
import { checkRows } from "./rows.ts";
import { addAnswers, confusionOf, countAnswers, countsLength } from "./confusion.ts";
import { classifies } from "./losses/loss.ts";
import { LOSSES } from "./losses/losses.ts";
import { metricsOf } from "./metrics/metrics.ts";
import { makeTally } from "./metrics/tally.ts";
import type { Observe, Trainer } from "./trainer.ts";

/**
 * Number of samples that are evaluated at once: with more, a dense model gains nothing and a
 * convolution takes more memory.
 */
const EVALUATION_BATCH = 1024;

/** Rows of the data to evaluate, and what to count beside loss and accuracy. */
export interface EvaluateOptions {
  /** Rows to evaluate on. Default: all of the data. */
  rows?: Uint32Array;
  /**
   * Place of the first of the rows.
   *
   * @default {0}
   */
  from?: number;
  /** Place after the last of the rows. Default: their number. */
  to?: number;
  /**
   * Includes the confusion matrix of a classifier.
   *
   * @default {false}
   */
  confusion?: boolean;
  /**
   * Includes the metrics of the task, and the sums that they are derived from; with `"sums"` these
   * alone.
   *
   * @default {true}
   */
  metrics?: boolean | "sums";
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
  { rows, from = 0, to = (rows ?? data).length, confusion = false, metrics = true }:
    EvaluateOptions,
  beforeEach: () => Promise<void> | undefined,
): Promise<EvaluateResult> {
  checkRange(from, to, (rows ?? data).length);
  checkRows(data, rows, from, to);
  const { output: kind } = LOSSES[trainer.loss];
  const { judgedRows = EVALUATION_BATCH } = trainer;
  const room = confusion && kind !== "measure" ? countsLength(data.numClasses) : 0;
  const counts = room > 0 ? new Uint32Array(room) : undefined;
  const tally = metrics ? makeTally(data, trainer.loss, trainer.units) : undefined;
  const answers = tally?.answers;
  const observe: Observe = (output, targets, counted) => {
    if (counts && !answers && kind !== "measure") countAnswers(counts, kind, output, targets);
    tally?.add(output, targets, counted);
  };
  let loss = 0, correct = 0, numSamples = 0;
  const options = { rows, ...(counts || tally) && { observe } };
  for (let start = from; start < to; start += EVALUATION_BATCH) {
    const end = Math.min(start + EVALUATION_BATCH, to);
    // Sums by batch: those of batches that different workers evaluate are added alike.
    let batchLoss = 0;
    for (let at = start; at < end; at += judgedRows) {
      await beforeEach();
      const result = trainer.judge(data, at, Math.min(at + judgedRows, end), options);
      batchLoss += result.loss;
      correct += result.correct;
      numSamples += result.counted;
    }
    loss += batchLoss;
  }
  const sums = tally?.sums;
  if (counts && answers) addAnswers(counts, answers);
  return {
    numSamples,
    loss: loss / numSamples,
    ...(classifies(LOSSES[trainer.loss]) && { accuracy: correct / numSamples }),
    ...(sums && metrics !== "sums" && { metrics: metricsOf(sums) }),
    ...(sums && { sums }),
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

import { REGRESSION_LAYOUT } from "../generated/engine_exports.ts";
import type { LossName } from "../train/handler.ts";
import type { StepSums } from "../train/trainer.ts";
import type { Layout } from "./layout.ts";
import { valuesOf } from "./structs.ts";

/** Most steps of a call: together they take about as long as one of a larger model. */
const MOST_STEPS = 64;

/** Rows of several steps, by their places in the order. */
interface StepRows {
  readonly start: number;
  readonly end: number;
  readonly batchSize: number;
}

/** Writes the places of a model that is a dense layer alone where the kernel reads them. */
export function placeRegression(
  { program: { onlyDense }, regression, train, batchLabels, total }: Layout,
): void {
  if (onlyDense === undefined) return;
  const { x, y, dy, ...dense } = onlyDense, { bytes, features, table, labels } = train;
  regression.set(valuesOf(REGRESSION_LAYOUT, {
    ...{ ...dense, x, z: y, dz: dy },
    bytes: bytes.length > 0 ? bytes.byteOffset : 0,
    features: features.byteOffset,
    table: table.byteOffset,
    labels: labels.byteOffset,
    classes: batchLabels.byteOffset,
    total: total.byteOffset,
  }));
}

/**
 * Takes steps of softmax regression, with gradients that go straight into the parameters, and adds
 * them to the sums.
 *
 * @returns Place after the last row; `undefined` for another model or another loss.
 */
export function takeRegressionSteps(
  { exports, order, program, regression, sums: memory }: Layout,
  loss: LossName,
  { start, end, batchSize }: StepRows,
  sums: StepSums,
): number | undefined {
  if (program.onlyDense === undefined || loss !== "softmaxCrossEntropy") return undefined;
  const to = Math.min(start + MOST_STEPS * batchSize, end);
  // Written out: lists of the values would be garbage of each training.
  memory[0] = sums.loss;
  memory[1] = sums.correct;
  memory[2] = sums.counted;
  sums.steps += exports.regression_steps(
    regression.byteOffset,
    order.byteOffset + start * Uint32Array.BYTES_PER_ELEMENT,
    to - start,
    batchSize,
    memory.byteOffset,
  );
  sums.loss = memory[0] ?? NaN;
  sums.correct = memory[1] ?? NaN;
  sums.counted = memory[2] ?? NaN;
  return to;
}

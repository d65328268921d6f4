import { LOSS_LAYOUT } from "../generated/engine_exports.ts";
import type { LossName } from "../train/handler.ts";
import type { BatchLoss } from "../train/trainer.ts";
import type { Layout } from "./layout.ts";

const BYTES = Uint32Array.BYTES_PER_ELEMENT;
/** Places of the values of the kernels' `Loss`. */
const LOSS = LOSS_LAYOUT.offsets.loss / Float64Array.BYTES_PER_ELEMENT;
const CORRECT = LOSS_LAYOUT.offsets.correct / Float64Array.BYTES_PER_ELEMENT;
const LOSS_KERNELS = {
  softmaxCrossEntropy: "softmax_cross_entropy",
  categoricalCrossentropy: "categorical_crossentropy",
  binaryCrossentropy: "binary_crossentropy",
  meanSquaredError: "mean_squared_error",
} as const;

/**
 * Computes the loss of the program's output of `rows` rows. With `withGradient` it also writes the
 * gradient of the mean loss, times the layout's scale.
 *
 * @param result Receives the loss; a step must not allocate.
 * @returns The result.
 */
export function computeLoss(
  { exports, program: { output, outputGradient }, total, batchLabels }: Layout,
  loss: LossName,
  rows: number,
  withGradient: boolean,
  result: BatchLoss,
): BatchLoss {
  exports[LOSS_KERNELS[loss]](
    output.at,
    batchLabels.byteOffset,
    withGradient ? outputGradient : 0,
    rows,
    output.length,
    total.byteOffset,
  );
  result.loss = total[LOSS] ?? NaN;
  result.correct = total[CORRECT] ?? NaN;
  return result;
}

/**
 * Runs the rows from place `start` to before `end` of the order forward and, if their loss is
 * finite, backward through the program.
 *
 * @param result Receives the loss; a step must not allocate.
 * @returns The result.
 */
export function runBatch(
  layout: Layout,
  loss: LossName,
  start: number,
  end: number,
  result: BatchLoss,
): BatchLoss {
  const { exports, order, train, program, batchLabels } = layout;
  const rows = end - start, { input } = program;
  exports.gather(
    train.features.byteOffset,
    train.labels.byteOffset,
    order.byteOffset + start * BYTES,
    rows,
    input.length,
    input.at,
    batchLabels.byteOffset,
  );
  program.forward(rows, true);
  computeLoss(layout, loss, rows, true, result);
  if (Number.isFinite(result.loss)) program.backward(rows);
  return result;
}

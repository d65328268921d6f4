import { LOSS_LAYOUT } from "../generated/engine_exports.ts";
import type { LossName } from "../train/handler.ts";
import { LOSSES } from "../train/losses/losses.ts";
import type { TargetsOfStep } from "../train/step_targets.ts";
import type { BatchLoss } from "../train/trainer.ts";
import { labelledSteps } from "./extent.ts";
import type { Layout } from "./layout.ts";

const BYTES = Uint32Array.BYTES_PER_ELEMENT;
/** Places of the values of the kernels' `Loss`. */
const COUNTED = LOSS_LAYOUT.offsets.counted / Float64Array.BYTES_PER_ELEMENT;
const LOSS = LOSS_LAYOUT.offsets.loss / Float64Array.BYTES_PER_ELEMENT;
const CORRECT = LOSS_LAYOUT.offsets.correct / Float64Array.BYTES_PER_ELEMENT;
/** Losses with a kernel for class labels of equal weight. */
const LOSS_KERNELS = {
  softmaxCrossEntropy: "softmax_cross_entropy",
  categoricalCrossentropy: "categorical_crossentropy",
  binaryCrossentropy: "binary_crossentropy",
  meanSquaredError: "mean_squared_error",
} as const satisfies Partial<Record<LossName, string>>;

function hasKernel(loss: LossName): loss is keyof typeof LOSS_KERNELS {
  return Object.hasOwn(LOSS_KERNELS, loss);
}

/** Options of {@linkcode computeLoss}. */
interface ComputeLossOptions {
  readonly rows: number;
  readonly withGradient: boolean;
  /** Targets, where they are not the layout's labels with equal weights. */
  readonly step: TargetsOfStep | undefined;
}

/** Memory in which {@linkcode computeLoss} works: that of a layout, or of another program. */
export interface LossMemory
  extends Pick<Layout, "exports" | "total" | "batchLabels" | "scale" | "units"> {
  readonly program: Pick<Layout["program"], "output" | "outputGradient">;
}

/**
 * Computes the loss of the program's output of `rows` rows. With `withGradient` it also writes the
 * gradient of the mean loss, times the layout's scale.
 *
 * @param result Receives the loss; a step by a kernel must not allocate.
 * @returns The result.
 */
export function computeLoss(
  layout: LossMemory,
  loss: LossName,
  { rows, withGradient, step }: ComputeLossOptions,
  result: BatchLoss,
): BatchLoss {
  const { exports, program: { output, outputGradient }, total, batchLabels, scale, units } = layout;
  // Each step of a sequence is a row of the loss.
  const count = rows * output.length / units;
  const isPlain = step === undefined || step.targets instanceof Int32Array && !step.weights;
  if (!isPlain || !hasKernel(loss)) {
    const viewAt = (at: number) =>
      new Float32Array(exports.memory.buffer, at, rows * output.length);
    return Object.assign(
      result,
      LOSSES[loss].compute({
        targets: batchLabels,
        ...step,
        output: viewAt(output.at),
        rows: count,
        units,
        gradient: withGradient ? viewAt(outputGradient) : undefined,
        scale: scale[0],
      }),
    );
  }
  if (step !== undefined) batchLabels.set(step.targets);
  exports[LOSS_KERNELS[loss]](
    output.at,
    batchLabels.byteOffset,
    withGradient ? outputGradient : 0,
    count,
    units,
    total.byteOffset,
  );
  result.loss = total[LOSS] ?? NaN;
  result.correct = total[CORRECT] ?? NaN;
  result.counted = total[COUNTED] ?? NaN;
  return result;
}

/** Rows of {@linkcode runBatch}: an object that each step writes anew, as it must not allocate. */
export interface Batch extends ComputeLossOptions {
  /** Place of the first row in the order. */
  start: number;
  rows: number;
  readonly withGradient: true;
  step: TargetsOfStep | undefined;
}

/**
 * Runs rows of the order forward and, if their loss is finite, backward through the program.
 *
 * @param result Receives the loss; a step must not allocate.
 * @returns The result.
 */
export function runBatch(
  layout: Layout,
  loss: LossName,
  batch: Batch,
  result: BatchLoss,
): BatchLoss {
  runForward(layout, loss, batch, result);
  if (Number.isFinite(result.loss)) layout.program.backward(batch.rows);
  return result;
}

/**
 * Runs rows of the order forward through the program, and computes the gradient of its output.
 *
 * @param result Receives the loss; a step must not allocate.
 */
export function runForward(
  layout: Layout,
  loss: LossName,
  batch: Batch,
  result: BatchLoss,
): void {
  const { exports, order, train, program, batchLabels } = layout;
  const { start, rows } = batch, { input } = program;
  const { features, bytes, table, labels } = train, from = order.byteOffset + start * BYTES;
  const to = batchLabels.byteOffset;
  if (bytes.length === 0) {
    exports.gather(
      features.byteOffset,
      labels.byteOffset,
      from,
      rows,
      input.length,
      input.at,
      to,
    );
  } else {
    exports.gather_bytes(
      bytes.byteOffset,
      table.byteOffset,
      labels.byteOffset,
      from,
      rows,
      input.length,
      input.at,
      to,
    );
  }
  const { extent } = program;
  if (extent) {
    const steps = program.output.length / layout.units;
    extent.steps = batch.step ? labelledSteps(batch.step.targets, rows, steps) : steps;
  }
  program.forward(rows, true);
  computeLoss(layout, loss, batch, result);
}

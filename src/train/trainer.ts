import type { Dataset } from "../data/dataset.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import type { LossName } from "./handler.ts";

/** Loss of a batch. A sequence with a label for each step has a sample at each step. */
export interface BatchLoss {
  /** Sum of the losses of the samples. */
  loss: number;
  /** Number of samples that are classified correctly. */
  correct: number;
  /** Number of samples: the rows, or the steps of their sequences that have a label. */
  counted: number;
}

/** Sums over the steps of an epoch. */
export interface StepSums extends BatchLoss {
  /** Number of steps. */
  steps: number;
}

/**
 * Function that receives a model's output for some rows, row after row, with their targets as in
 * `Dataset`, and if it is known the number of labels that are not negative. The arrays are used
 * again after it returns.
 */
export type Observe = (
  output: Float32Array,
  targets: Int32Array | Float32Array,
  counted?: number,
) => void;

/** Options of {@linkcode Trainer.judge}. */
export interface JudgeOptions {
  /** Rows of the data to judge on. Default: all of them. */
  readonly rows?: Uint32Array | undefined;
  /** Receives the outputs, a few rows at a time. */
  readonly observe?: Observe | undefined;
}

/** Options of {@linkcode Trainer.begin}. */
export interface BeginOptions {
  /**
   * Prepares for {@linkcode Trainer.sumClipped} in place of `step`.
   *
   * @default {false}
   */
  readonly clips?: boolean;
}

/** Model with its loss and its optimizer, on one engine. */
export interface Trainer extends Disposable {
  /** Layout of the parameter vector. */
  readonly manifest: Manifest;
  /** Loss of the model. */
  readonly loss: LossName;
  /** Number of output values of the model for a row, or for each step of one. */
  readonly units: number;
  /**
   * State of the model. Getting returns a view that the next step overwrites. Setting copies the
   * values; it throws a `RangeError`, with nothing changed, for a vector of another length or with
   * a value that is not finite.
   */
  parameters: ParameterVector;
  /** Sets the rows to train on: all of the data, or those that are listed. */
  use(data: Dataset, rows?: Uint32Array): void;
  /** Counts the parameters that are not finite. */
  countNonFinite(): number;
  /**
   * Most rows that {@linkcode Trainer.judge} is given at once, for a model that takes so long for a
   * row that the event loop needs a turn before 1024 of them are done.
   *
   * @default {1024}
   */
  readonly judgedRows?: number;
  /**
   * Most rows whose gradient {@linkcode Trainer.differentiate} computes at once; `Infinity` for a
   * model that looks at a batch as a whole.
   */
  readonly gradientRows: number;
  /**
   * Gradient that {@linkcode Trainer.differentiate} sums, laid out as the parameters: a view that
   * the next step overwrites.
   */
  readonly gradient: ParameterVector;
  /**
   * Prepares a round of steps of at most `batchSize` rows, by a plan that was checked. The state of
   * the optimizer is dropped unless the plan keeps it. The proximal term pulls to the parameters as
   * they are now.
   *
   * @throws {RangeError} If the plan's class weights do not fit the model.
   * @throws {UnsupportedModelError} With `clips`, if a layer looks at more than one row at a time.
   */
  begin(plan: TrainPlan, batchSize: number, options?: BeginOptions): void;
  /** Sets the order of the training rows for an epoch. */
  shuffle(order: Uint32Array): void;
  /**
   * Takes one step on the rows from place `start` to before `end` of the order. The next step
   * reuses the object of the result.
   */
  step(start: number, end: number): BatchLoss;
  /**
   * Takes several steps of `batchSize` rows, from place `start` to at most before `end` of the
   * order, by one call, and adds them to the sums. It ends after a step whose loss is not finite.
   *
   * @returns Place after the last row; `undefined` where steps are to be taken one by one.
   */
  takeSteps?(start: number, end: number, batchSize: number, sums: StepSums): number | undefined;
  /**
   * Adds to {@linkcode Trainer.gradient} the share that rows from place `start` to before `end` of
   * the order have in the gradient of the mean loss over all training rows. From `start` 0 the
   * gradient begins anew. The parameters stay, except for moving statistics.
   */
  differentiate(start: number, end: number): BatchLoss;
  /**
   * Checks that the model's gradients can be clipped row by row. Absent on an engine that knows no
   * gradients of single rows.
   *
   * @throws {UnsupportedModelError} If a layer looks at more than one row at a time.
   */
  checkClips?(): void;
  /**
   * Sets {@linkcode Trainer.gradient} to the sum of the gradients of the rows from place `start` to
   * before `end` of the order, each scaled down to an L2 norm of at most `clip` over the trainable
   * parameters. The result's loss is `NaN` if the gradient of a row is not finite. Absent on an
   * engine that knows no gradients of single rows.
   */
  sumClipped?(start: number, end: number, clip: number): BatchLoss;
  /** Takes the plan's step by {@linkcode Trainer.gradient}, after `sumClipped`. */
  stepByGradient?(): void;
  /**
   * Judges the model, in inference mode, on places `start` to before `end` of the data or of the
   * listed rows.
   *
   * @throws {RangeError} If the data does not fit the model.
   */
  judge(data: Dataset, start: number, end: number, options?: JudgeOptions): BatchLoss;
}

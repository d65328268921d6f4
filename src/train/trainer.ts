import type { Dataset } from "../data/dataset.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { TrainPlan } from "../plan/train_plan.ts";

/** What a batch's output has cost. */
export interface BatchLoss {
  /** Sum of the losses of the samples. */
  loss: number;
  /** Number of samples that were classified rightly. */
  correct: number;
}

/** A model with its loss and its optimizer, on one engine. */
export interface Trainer extends Disposable {
  /** What the parameter vector holds. */
  readonly manifest: Manifest;
  /** Whether accuracy means something. */
  readonly classifies: boolean;
  /**
   * The model's state: getting gives a view that the next step overwrites, setting copies the values in and throws a
   * `RangeError`, with nothing changed, for a vector of another length or one that has a value that is not finite.
   */
  parameters: ParameterVector;
  /** Takes the rows to train on: all of the data, or those that are listed. */
  use(data: Dataset, rows?: Uint32Array): void;
  /** How many of the parameters are not finite. */
  countNonFinite(): number;
  /**
   * Most rows whose gradient {@linkcode Trainer.differentiate} takes at once; `Infinity` for a model that looks at a batch as a
   * whole.
   */
  readonly gradientRows: number;
  /** The gradient that {@linkcode Trainer.differentiate} adds up, laid out as the parameters: a view that the next step overwrites. */
  readonly gradient: ParameterVector;
  /**
   * Readies for a round of steps of at most `batchSize` rows, by a plan that was checked: what the optimizer keeps is dropped
   * unless the plan keeps it, and the proximal term pulls to the parameters as they are now.
   */
  begin(plan: TrainPlan, batchSize: number): void;
  /** Takes the order of the training rows for an epoch. */
  shuffle(order: Uint32Array): void;
  /** One step on the rows from place `start` to before `end` of the order. The result's object is used again by the next step. */
  step(start: number, end: number): BatchLoss;
  /**
   * Adds to {@linkcode Trainer.gradient} what rows from place `start` to before `end` of the order have in the gradient of the mean
   * loss over all training rows; from `start` 0 it begins anew. The parameters stay, but for the moving statistics.
   */
  differentiate(start: number, end: number): BatchLoss;
  /**
   * Judges the model, in inference mode, on places `start` to before `end` of the data, or of the rows that are listed. What a
   * classifier took each class for is added to `counts`, when they are given: of data with n classes n rows of n + 1. Throws a
   * `RangeError` for data that do not fit the model.
   */
  judge(
    data: Dataset,
    start: number,
    end: number,
    options?: { rows?: Uint32Array | undefined; counts?: Uint32Array | undefined },
  ): BatchLoss;
}

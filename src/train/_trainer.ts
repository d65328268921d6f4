import type { Dataset } from "../data/dataset.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { TrainPlan } from "./handler.ts";

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
  /** Readies for a round of steps of at most `batchSize` rows: what the optimizer keeps is dropped unless the plan keeps it. */
  begin(plan: TrainPlan, batchSize: number): void;
  /** Takes the order of the training rows for an epoch. */
  shuffle(order: Uint32Array): void;
  /** One step on the rows from place `start` to before `end` of the order. The result's object is used again by the next step. */
  step(start: number, end: number): BatchLoss;
  /** Judges the model, in inference mode, on places `start` to before `end` of the data, or of the rows that are listed. */
  judge(data: Dataset, start: number, end: number, rows?: Uint32Array): BatchLoss;
}

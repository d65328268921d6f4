/**
 * Contract of a loss.
 *
 * @module
 */

import type { BatchLoss } from "../trainer.ts";

/** Batch of a model's output, `rows` rows of `units` values, with its targets. */
export interface LossBatch {
  /** Output of the model, row after row. */
  readonly output: Float32Array;
  /**
   * Class of each row, or a target for each value of the output. A row with a negative class does
   * not count.
   */
  readonly targets: Int32Array | Float32Array;
  /** Number of rows; the steps of a sequence with a class for each are rows of their own. */
  readonly rows: number;
  /** Number of output values of a row. */
  readonly units: number;
  /** Weight of each row. Default: 1 each. */
  readonly weights?: Float32Array | undefined;
  /** Receives the gradient of the batch's mean loss by each output value. */
  readonly gradient?: Float32Array | undefined;
  /**
   * Factor of the gradient.
   *
   * @default {1}
   */
  readonly scale?: number | undefined;
}

/**
 * Function that computes the loss of a batch, and its gradient where the batch has room for one.
 *
 * Weights multiply the losses of their rows, and the mean is still over the number of rows,
 * `Σ w_i l_i / n`, as in Keras. Losses and gradients of parts of the data therefore add up to those
 * of the whole, on one client and over clients.
 */
export type LossFunction = (batch: LossBatch) => BatchLoss;

/**
 * Meaning of a model's output:
 *
 * - `logits`, `probabilities`: one value for each class, of which one holds;
 * - `logit`, `probability`: one value for each label, which holds or not. For two classes it is
 *   that of class 1;
 * - `measure`: one value for each target.
 */
export type OutputKind = "logits" | "probabilities" | "logit" | "probability" | "measure";

/** Loss, and its requirements of a model. */
export interface Loss {
  /** Computes the loss of a batch. */
  readonly compute: LossFunction;
  /** Meaning of the model's output. */
  readonly output: OutputKind;
}

/** Returns true if a model of the loss classifies, so that there is an accuracy. */
export function classifies({ output }: Loss): boolean {
  return output !== "measure";
}

/**
 * Returns the number of classes of a classifier with that many output values; `undefined` for a
 * model of measures.
 */
export function classesOf({ output }: Loss, units: number): number | undefined {
  if (output === "measure") return undefined;
  return output === "logit" || output === "probability" ? 2 : units;
}

/** Distance from 0 and 1 at which Keras keeps probabilities, against the logarithm of 0. */
export const EPSILON = 1e-7;

/** Keeps a probability away from 0 and 1; NaN stays NaN. */
export function guarded(probability: number): number {
  return Math.min(1 - EPSILON, Math.max(EPSILON, probability));
}

/**
 * Returns the index of the first of the largest of `count` values; -1 where that is infinite or a
 * value is NaN.
 */
export function argmax(values: Float32Array, from: number, count: number): number {
  let best = 0;
  for (let i = 0; i < count; i++) {
    const value = values[from + i] ?? NaN;
    if (Number.isNaN(value)) return -1;
    if (value > (values[from + best] ?? NaN)) best = i;
  }
  return Number.isFinite(values[from + best]) ? best : -1;
}

/** Returns the class that a row of a classifier's output stands for; -1 for none. */
export function answerOf(
  kind: Exclude<OutputKind, "measure">,
  output: Float32Array,
  row: number,
  units: number,
): number {
  switch (kind) {
    case "logit":
      return signOf(output[row] ?? NaN);
    case "probability":
      return yesOrNo(output[row] ?? NaN);
    default:
      return argmax(output, row * units, units);
  }
}

/** Returns the class for a logit of class 1; -1 for NaN. */
export function signOf(logit: number): number {
  if (Number.isNaN(logit)) return -1;
  return logit > 0 ? 1 : 0;
}

/** Returns the class for a probability of class 1; -1 for NaN. */
export function yesOrNo(probability: number): number {
  if (Number.isNaN(probability)) return -1;
  return probability > 0.5 ? 1 : 0;
}

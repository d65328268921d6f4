import type { BatchLoss } from "./trainer.ts";
import type { LossName } from "./handler.ts";

/**
 * Function that compares a batch's output, `labels.length` rows of `units` values, with its labels.
 * It writes the gradient of the batch's mean loss by each output to `gradient`, if that is given.
 */
export type LossFunction = (
  output: Float32Array,
  labels: Int32Array,
  units: number,
  gradient?: Float32Array,
) => BatchLoss;

/** Loss, and its requirements of a model. */
export interface Loss {
  readonly compute: LossFunction;
  /** True if the model classifies, so that there is an accuracy. */
  readonly classifies: boolean;
  /**
   * Least and most output units for a number of classes: a client may lack some of the classes of
   * the model.
   */
  units(numClasses: number): readonly [least: number, most: number];
}

/** Distance from 0 and 1 at which Keras keeps probabilities, against the logarithm of 0. */
const EPSILON = 1e-7;

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

/** Returns the class for a probability of class 1; -1 for NaN. */
export function yesOrNo(probability: number): number {
  if (Number.isNaN(probability)) return -1;
  return probability > 0.5 ? 1 : 0;
}

const softmaxCrossEntropy: LossFunction = (output, labels, units, gradient) => {
  let loss = 0, correct = 0;
  for (let row = 0; row < labels.length; row++) {
    const from = row * units, label = labels[row] ?? 0;
    let peak = -Infinity;
    for (let i = 0; i < units; i++) peak = Math.max(peak, output[from + i] ?? 0);
    let sum = 0;
    for (let i = 0; i < units; i++) sum += Math.exp((output[from + i] ?? 0) - peak);
    loss += Math.log(sum) + peak - (output[from + label] ?? 0);
    if (argmax(output, from, units) === label) correct++;
    if (!gradient) continue;
    for (let i = 0; i < units; i++) {
      const probability = Math.exp((output[from + i] ?? 0) - peak) / sum;
      gradient[from + i] = (probability - (i === label ? 1 : 0)) / labels.length;
    }
  }
  return { loss, correct };
};

const categoricalCrossentropy: LossFunction = (output, labels, units, gradient) => {
  let loss = 0, correct = 0;
  for (let row = 0; row < labels.length; row++) {
    const from = row * units, label = labels[row] ?? 0;
    const probability = Math.min(1 - EPSILON, Math.max(EPSILON, output[from + label] ?? 0));
    loss -= Math.log(probability);
    if (argmax(output, from, units) === label) correct++;
    if (!gradient) continue;
    gradient.fill(0, from, from + units);
    gradient[from + label] = -1 / (probability * labels.length);
  }
  return { loss, correct };
};

const binaryCrossentropy: LossFunction = (output, labels, _units, gradient) => {
  let loss = 0, correct = 0;
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] ?? 0;
    const probability = Math.min(1 - EPSILON, Math.max(EPSILON, output[row] ?? 0));
    loss -= Math.log(label === 1 ? probability : 1 - probability);
    if (yesOrNo(probability) === label) correct++;
    if (!gradient) continue;
    gradient[row] = (probability - label) / (probability * (1 - probability) * labels.length);
  }
  return { loss, correct };
};

const meanSquaredError: LossFunction = (output, labels, _units, gradient) => {
  let loss = 0;
  for (let row = 0; row < labels.length; row++) {
    const difference = (output[row] ?? 0) - (labels[row] ?? 0);
    loss += difference ** 2;
    if (gradient) gradient[row] = 2 * difference / labels.length;
  }
  return { loss, correct: 0 };
};

/**
 * Losses by name. They run on the few values of a model's output, in float64, where a dozen small
 * tfjs kernels would cost more than the model.
 */
export const LOSSES: Readonly<Record<LossName, Loss>> = {
  softmaxCrossEntropy: {
    compute: softmaxCrossEntropy,
    classifies: true,
    units: (classes) => [classes, Infinity],
  },
  categoricalCrossentropy: {
    compute: categoricalCrossentropy,
    classifies: true,
    units: (classes) => [classes, Infinity],
  },
  binaryCrossentropy: { compute: binaryCrossentropy, classifies: true, units: () => [1, 1] },
  meanSquaredError: { compute: meanSquaredError, classifies: false, units: () => [1, 1] },
};

/**
 * Checks the name of a loss.
 *
 * @throws {RangeError} If it is unknown; the message lists the known ones.
 */
export function checkLoss(loss: string): void {
  if (!Object.hasOwn(LOSSES, loss)) {
    throw new RangeError(
      `Cannot train: expected one of the losses ${Object.keys(LOSSES).join(", ")}, got ${
        JSON.stringify(loss)
      }`,
    );
  }
}

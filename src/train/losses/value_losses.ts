/**
 * Losses of each output value with a target of its own. The loss of a row is the mean over its
 * values, as in Keras.
 *
 * @module
 */

import { guarded, type LossFunction, signOf, yesOrNo } from "./loss.ts";

/** Loss of one output value. */
interface ValueLoss {
  /** Computes the loss of a value with a target. */
  loss(value: number, target: number): number;
  /** Computes the derivative by the value, divided by `count`. */
  slope(value: number, target: number, count: number): number;
  /** Returns the answer, 0 or 1, of a value that stands for a label; -1 for NaN. */
  answer?(value: number): number;
}

function meanOverValues({ loss, slope, answer }: ValueLoss): LossFunction {
  return ({ output, targets, rows, units, weights, gradient, scale = 1 }) => {
    let total = 0, correct = 0;
    const count = rows * units;
    for (let row = 0; row < rows; row++) {
      const weight = weights ? weights[row] ?? 1 : 1;
      let sum = 0, right = 0;
      for (let i = row * units; i < (row + 1) * units; i++) {
        const value = output[i] ?? NaN, target = targets[i] ?? 0;
        sum += loss(value, target);
        if (answer?.(value) === target) right++;
        if (gradient) gradient[i] = slope(value, target, count) * weight * scale;
      }
      total += sum / units * weight;
      if (right === units) correct++;
    }
    return { loss: total, correct, counted: rows };
  };
}

/**
 * Cross-entropy of the probability that a label holds, `l = -ln y` or `-ln(1 - y)`, each kept 1e-7
 * away from 0 and 1. A row is correct where all its labels are.
 */
export const binaryCrossentropy: LossFunction = meanOverValues({
  loss: (value, target) => {
    const probability = guarded(value);
    return -Math.log(target === 1 ? probability : 1 - probability);
  },
  slope: (value, target, count) => {
    const probability = guarded(value);
    return (probability - target) / (probability * (1 - probability) * count);
  },
  answer: yesOrNo,
});

/**
 * Cross-entropy of the logit of a label, `l = ln(1 + e^-z)` or `ln(1 + e^z)`, computed as
 * `max(z, 0) - z t + ln(1 + e^-|z|)`, which does not overflow. A row is correct where all its
 * labels are.
 */
export const sigmoidCrossEntropy: LossFunction = meanOverValues({
  loss: (z, target) => Math.max(z, 0) - z * target + Math.log1p(Math.exp(-Math.abs(z))),
  slope: (z, target, count) => (sigmoid(z) - target) / count,
  answer: signOf,
});

/** Returns `1 / (1 + e^-z)`. */
export function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

/** Squared error, `l = (y - t)^2`. */
export const meanSquaredError: LossFunction = meanOverValues({
  loss: (value, target) => (value - target) ** 2,
  slope: (value, target, count) => 2 * (value - target) / count,
});

/** Absolute error, `l = |y - t|`, with the derivative 0 where they are equal. */
export const meanAbsoluteError: LossFunction = meanOverValues({
  loss: (value, target) => Math.abs(value - target),
  slope: (value, target, count) => Math.sign(value - target) / count,
});

/**
 * Huber's loss with delta 1: `l = d^2 / 2` for a difference `d` of at most 1, else `|d| - 1/2`.
 *
 * Huber 1964, "Robust Estimation of a Location Parameter".
 */
export const huber: LossFunction = meanOverValues({
  loss: (value, target) => {
    const distance = Math.abs(value - target);
    return distance <= 1 ? distance ** 2 / 2 : distance - 0.5;
  },
  slope: (value, target, count) => {
    const difference = value - target;
    return (Number.isNaN(difference) ? NaN : Math.min(1, Math.max(-1, difference))) / count;
  },
});

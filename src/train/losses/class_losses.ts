/**
 * Losses over classes of which one holds.
 *
 * @module
 */

import { argmax, guarded, type LossFunction } from "./loss.ts";

/**
 * Softmax cross-entropy of logits, `l = ln(Σ_i e^z_i) - z_label`, with the gradient
 * `softmax(z)_i - [i = label]`.
 */
export const softmaxCrossEntropy: LossFunction = (
  { output, targets, rows, units, weights, gradient, scale = 1 },
) => {
  const counted = countLabels(targets, rows);
  let loss = 0, correct = 0;
  for (let row = 0; row < rows; row++) {
    const from = row * units, label = targets[row] ?? 0, weight = weights ? weights[row] ?? 1 : 1;
    if (label < 0) {
      gradient?.fill(0, from, from + units);
      continue;
    }
    let peak = -Infinity;
    for (let i = 0; i < units; i++) peak = Math.max(peak, output[from + i] ?? 0);
    let sum = 0;
    for (let i = 0; i < units; i++) sum += Math.exp((output[from + i] ?? 0) - peak);
    loss += (Math.log(sum) + peak - (output[from + label] ?? 0)) * weight;
    if (argmax(output, from, units) === label) correct++;
    if (!gradient) continue;
    for (let i = 0; i < units; i++) {
      const probability = Math.exp((output[from + i] ?? 0) - peak) / sum;
      gradient[from + i] = (probability - (i === label ? 1 : 0)) * weight * scale / counted;
    }
  }
  return { loss, correct, counted };
};

/**
 * Cross-entropy of probabilities, `l = -ln y_label`, each kept 1e-7 away from 0 and 1, with the
 * gradient `-[i = label] / y_i`.
 */
export const categoricalCrossentropy: LossFunction = (
  { output, targets, rows, units, weights, gradient, scale = 1 },
) => {
  const counted = countLabels(targets, rows);
  let loss = 0, correct = 0;
  for (let row = 0; row < rows; row++) {
    const from = row * units, label = targets[row] ?? 0, weight = weights ? weights[row] ?? 1 : 1;
    if (label < 0) {
      gradient?.fill(0, from, from + units);
      continue;
    }
    const probability = guarded(output[from + label] ?? 0);
    loss -= Math.log(probability) * weight;
    if (argmax(output, from, units) === label) correct++;
    if (!gradient) continue;
    gradient.fill(0, from, from + units);
    gradient[from + label] = -weight * scale / (probability * counted);
  }
  return { loss, correct, counted };
};

/** Counts the labels that are not negative, as those of the padding of a sequence are. */
function countLabels(targets: ArrayLike<number>, rows: number): number {
  let count = 0;
  for (let row = 0; row < rows; row++) {
    if ((targets[row] ?? 0) >= 0) count++;
  }
  return count;
}

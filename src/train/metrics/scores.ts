/**
 * Probabilities and scores of the rows of a classifier's output.
 *
 * @module
 */

import { guarded, type OutputKind } from "../losses/loss.ts";
import { sigmoid } from "../losses/value_losses.ts";

/** Probabilities of the classes or labels of one row. */
export interface RowScores {
  /** Probability of each class, or of each label. */
  readonly probabilities: Float64Array;
  /** Logit of each probability. */
  readonly logits: Float64Array;
}

/** Returns `ln(p / (1 - p))`. */
function logitOf(p: number): number {
  return Math.log(p / (1 - p));
}

/**
 * Returns a function that computes the probabilities of a row of `units` output values, in arrays
 * that the next call overwrites. A single value for two classes gives those of both.
 */
export function scorer(
  kind: Exclude<OutputKind, "measure">,
  units: number,
  isBinary: boolean,
): (output: Float32Array, row: number) => RowScores {
  const width = isBinary ? 2 : units;
  const probabilities = new Float64Array(width), logits = new Float64Array(width);
  const result = { probabilities, logits };
  if (kind === "logits") {
    return (output, row) => {
      softmaxScores(output, row * units, result);
      return result;
    };
  }
  return (output, row) => {
    for (let i = 0; i < units; i++) {
      const value = output[row * units + i] ?? NaN, at = isBinary ? 1 : i;
      const p = kind === "logit" ? sigmoid(value) : guarded(value);
      probabilities[at] = p;
      logits[at] = kind === "logit" ? value : logitOf(p);
    }
    if (isBinary) {
      const [, logit = NaN] = logits, [, p = NaN] = probabilities;
      probabilities[0] = kind === "logit" ? sigmoid(-logit) : 1 - p;
      logits[0] = -logit;
    }
    return result;
  };
}

/** Computes softmax and, without cancellation, its logits `z_c - ln Σ_{i≠c} e^z_i`. */
function softmaxScores(
  z: Float32Array,
  from: number,
  { probabilities, logits }: RowScores,
): void {
  const { length } = probabilities;
  let most = 0, others = 0;
  for (let i = 1; i < length; i++) {
    if ((z[from + i] ?? NaN) > (z[from + most] ?? NaN)) most = i;
  }
  const peak = z[from + most] ?? NaN;
  for (let i = 0; i < length; i++) {
    const power = Math.exp((z[from + i] ?? NaN) - peak);
    probabilities[i] = power;
    if (i !== most) others += power;
  }
  const sum = 1 + others;
  for (let i = 0; i < length; i++) {
    const power = probabilities[i] ?? NaN;
    const rest = i === most ? others : sum - power;
    logits[i] = (z[from + i] ?? NaN) - peak - Math.log(rest);
    probabilities[i] = power / sum;
  }
}

/** Returns the cross-entropy `-ln p` of an event of that logit: `ln(1 + e^-z)`. */
export function surprise(logit: number): number {
  return Math.max(-logit, 0) + Math.log1p(Math.exp(-Math.abs(logit)));
}

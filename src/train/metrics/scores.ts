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
  kind: Exclude<OutputKind, "measure" | "logits">,
  units: number,
  isBinary: boolean,
): (output: Float32Array, row: number) => RowScores {
  const width = isBinary ? 2 : units;
  const probabilities = new Float64Array(width), logits = new Float64Array(width);
  const result = { probabilities, logits };
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

/** Returns the cross-entropy `-ln p` of an event of that logit: `ln(1 + e^-z)`. */
export function surprise(logit: number): number {
  return Math.max(-logit, 0) + Math.log1p(Math.exp(-Math.abs(logit)));
}

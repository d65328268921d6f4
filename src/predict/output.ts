/**
 * Outputs of a model in words: classes, labels and measures.
 *
 * @module
 */

import { outputNames } from "../data/schema/features.ts";
import type { Schema, TargetSchema } from "../data/schema/schema.ts";
import { LOSSES } from "../train/losses/losses.ts";
import type { OutputKind } from "../train/losses/loss.ts";
import type { LossName } from "../train/handler.ts";

/** Conversion of a model's outputs into probabilities or measures. */
export interface OutputReader {
  /** Names of the classes, labels or measures, in the order of the scores. */
  readonly names: readonly string[];
  /** Number of values that the model gives for a row. */
  readonly units: number;
  /**
   * Converts the outputs of a row.
   *
   * @param outputs Outputs of the model.
   * @param from Index of the row's first value.
   * @param to Receives a probability or measure for each name.
   * @param at Index of the row's first value in `to`.
   */
  read(outputs: Float32Array, from: number, to: Float64Array, at: number): void;
}

/**
 * Describes the outputs of a model.
 *
 * @param units Number of values that the model gives for a row.
 * @throws {RangeError} If the model has another number of outputs than the schema has classes,
 * labels or measures, or its loss is for another task.
 */
export function outputReader(schema: Schema, loss: LossName, units: number): OutputReader {
  const { target } = schema;
  const { output } = LOSSES[loss];
  const isOne = output === "logit" || output === "probability";
  const isBinary = target.task === "classification" && isOne;
  const names = outputNames(schema);
  const expected = isBinary ? 1 : names.length;
  const fits = (target.task === "regression") === (output === "measure") &&
    (target.task === "multi-label") === (isOne && !isBinary) && (!isBinary || names.length === 2);
  if (!fits) {
    throw new RangeError(
      `Cannot use the model: expected a loss for ${target.task} of ${names.length} outputs, got ${loss}`,
    );
  }
  // A model may have outputs for classes that nobody has.
  const more = target.task === "classification" && !isBinary ? units - expected : 0;
  if (units < expected || units > expected + more) {
    throw new RangeError(
      `Cannot use the model: expected ${expected} outputs for ${target.name}, got ${units}`,
    );
  }
  const all = [...names, ...Array.from({ length: more }, (_, i) => `output ${expected + i + 1}`)];
  return { names: all, units, read: readerOf(output, units, target, isBinary) };
}

function readerOf(
  output: OutputKind,
  units: number,
  target: TargetSchema,
  isBinary: boolean,
): OutputReader["read"] {
  if (output === "logits") return (outputs, from, to, at) => softmax(outputs, from, units, to, at);
  if (target.task === "regression") {
    return (outputs, from, to, at) => {
      target.outputs.forEach(({ standardize }, i) => {
        const { mean = 0, deviation = 1 } = standardize ?? {};
        to[at + i] = (outputs[from + i] ?? NaN) * deviation + mean;
      });
    };
  }
  const probability = output === "logit"
    ? (value: number) => 1 / (1 + Math.exp(-value))
    : (value: number) => value;
  if (isBinary) {
    return (outputs, from, to, at) => {
      const yes = probability(outputs[from] ?? NaN);
      to[at] = 1 - yes;
      to[at + 1] = yes;
    };
  }
  return (outputs, from, to, at) => {
    for (let i = 0; i < units; i++) to[at + i] = probability(outputs[from + i] ?? NaN);
  };
}

/** Softmax, computed from the differences to the largest value, which do not overflow. */
function softmax(
  outputs: Float32Array,
  from: number,
  units: number,
  to: Float64Array,
  at: number,
): void {
  let peak = -Infinity, sum = 0;
  for (let i = 0; i < units; i++) peak = Math.max(peak, outputs[from + i] ?? NaN);
  for (let i = 0; i < units; i++) {
    const value = Math.exp((outputs[from + i] ?? NaN) - peak);
    to[at + i] = value;
    sum += value;
  }
  for (let i = 0; i < units; i++) to[at + i] = (to[at + i] ?? NaN) / sum;
}

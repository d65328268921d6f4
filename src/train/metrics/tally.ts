import type { Dataset } from "../../data/dataset.ts";
import { MAX_SUM_OUTPUTS, type MetricSums } from "../../plan/metric_sums.ts";
import type { LossName } from "../handler.ts";
import { LOSSES } from "../losses/losses.ts";
import { ClassTally } from "./class_tally.ts";
import { MeasureTally } from "./measure_tally.ts";

/** Sums over the rows of an evaluation. */
export interface Tally {
  /**
   * Adds rows of the model's output, with their targets.
   *
   * @param counted Number of labels that are not negative. Default: they are looked through.
   */
  add(output: Float32Array, targets: Int32Array | Float32Array, counted?: number): void;
  /**
   * Answers to the rows of a classifier, `[outputs, outputs + 1]`, with a last column for none;
   * `undefined` where they are not counted.
   */
  readonly answers?: Float64Array | undefined;
  /** The sums; `undefined` where an output was not a number. */
  readonly sums: MetricSums | undefined;
}

/**
 * Makes sums for the evaluation of a model with that loss and number of output values.
 *
 * @returns The sums; `undefined` for a model of more than 1000 outputs.
 */
export function makeTally(
  { task, schema }: Pick<Dataset, "task" | "schema">,
  loss: LossName,
  units: number,
): Tally | undefined {
  const { output } = LOSSES[loss];
  if (units > MAX_SUM_OUTPUTS) return undefined;
  if (output === "measure") return new MeasureTally(units, schema);
  return task === "regression" ? undefined : new ClassTally({ task, output, units });
}

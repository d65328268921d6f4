import type { Schema } from "../../data/schema/schema.ts";
import type { MeasureSums } from "../../plan/metric_sums.ts";

/** Sums over the rows of the evaluation of a model of measures, in the units of the measures. */
export class MeasureTally {
  readonly #outputs: number;
  readonly #measures: Float64Array;
  /** Mean and deviation by which each measure was standardized. */
  readonly #mean: Float64Array;
  readonly #deviation: Float64Array;
  #samples = 0;

  /** Makes sums of no rows. The schema tells how the targets were standardized. */
  constructor(outputs: number, schema?: Schema) {
    this.#outputs = outputs;
    this.#measures = new Float64Array(4 * outputs);
    this.#mean = new Float64Array(outputs);
    this.#deviation = new Float64Array(outputs).fill(1);
    if (schema?.target.task !== "regression") return;
    schema.target.outputs.forEach(({ standardize }, i) => {
      if (!standardize) return;
      this.#mean[i] = standardize.mean;
      this.#deviation[i] = standardize.deviation;
    });
  }

  /** Adds rows of the model's output, with their targets. */
  add(output: Float32Array, targets: Int32Array | Float32Array): void {
    const sums = this.#measures, outputs = this.#outputs;
    for (let i = 0; i < output.length; i++) {
      const k = i % outputs, deviation = this.#deviation[k] ?? 1;
      const target = (targets[i] ?? NaN) * deviation + (this.#mean[k] ?? 0);
      const error = ((output[i] ?? NaN) - (targets[i] ?? NaN)) * deviation;
      sums[4 * k] = (sums[4 * k] ?? 0) + target;
      sums[4 * k + 1] = (sums[4 * k + 1] ?? 0) + target ** 2;
      sums[4 * k + 2] = (sums[4 * k + 2] ?? 0) + Math.abs(error);
      sums[4 * k + 3] = (sums[4 * k + 3] ?? 0) + error ** 2;
    }
    this.#samples += output.length / outputs;
  }

  /** The sums; `undefined` where an output was not a number. */
  get sums(): MeasureSums | undefined {
    const measures = [...this.#measures];
    if (!measures.every(Number.isFinite)) return undefined;
    return { task: "regression", outputs: this.#outputs, samples: this.#samples, measures };
  }
}

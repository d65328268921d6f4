import type { Dataset } from "../data/dataset.ts";
import type { TrainSettings } from "../plan/settings.ts";
import { classesOf } from "./losses/loss.ts";
import { LOSSES } from "./losses/losses.ts";
import type { Trainer } from "./trainer.ts";

/** Targets and weights of the rows of a step. */
export interface TargetsOfStep {
  /** Targets, row after row, as in `Dataset`. */
  readonly targets: Int32Array | Float32Array;
  /** Weights of the rows; absent where all are 1. */
  readonly weights?: Float32Array;
}

/** Arrays of no rows, which every client of a simulation begins with. */
const NO_LABELS = new Int32Array(0), NO_VALUES = new Float32Array(0);

type Weighting = Pick<TrainSettings, "classWeights">;

/** Gathers the targets and weights of a step, in buffers that the next step reuses. */
export class StepTargets {
  readonly #data: Dataset;
  readonly #rows: Uint32Array | undefined;
  #classWeights: readonly number[] | undefined;
  #targets: Int32Array | Float32Array;
  #weights = NO_VALUES;

  /** Takes targets of the data: of all rows, or of those that are listed. */
  constructor(data: Dataset, rows?: Uint32Array) {
    this.#data = data;
    this.#rows = rows;
    this.#targets = data.task === "classification" ? NO_LABELS : NO_VALUES;
  }

  /** True if the targets are classes, one of each row, and all weights are 1. */
  get isPlain(): boolean {
    const { task, outputs, weights } = this.#data;
    return task === "classification" && outputs === 1 && !weights && !this.#classWeights;
  }

  /**
   * Counts the samples from place `start` to before `end` of an order of the rows: the rows, or the
   * steps of their sequences that have a label.
   */
  count(order: Uint32Array, start: number, end: number): number {
    const { task, targets, outputs } = this.#data, rows = this.#rows;
    if (task !== "classification" || outputs === 1) return end - start;
    let count = 0;
    for (let i = start; i < end; i++) {
      const place = order[i] ?? 0, first = (rows ? rows[place] ?? 0 : place) * outputs;
      for (let k = 0; k < outputs; k++) {
        if ((targets[first + k] ?? 0) >= 0) count++;
      }
    }
    return count;
  }

  /**
   * Sets the class weights of a round.
   *
   * @throws {RangeError} If the data has no classes, or there is not one weight for each class of
   * the model.
   */
  begin({ classWeights }: Weighting, { loss, units }: Pick<Trainer, "loss" | "units">): void {
    this.#classWeights = undefined;
    if (!classWeights) return;
    const { task, numClasses } = this.#data;
    if (task !== "classification") {
      throw new RangeError(
        `Cannot train: expected no class weights for the task ${task}, got ${classWeights.length}`,
      );
    }
    const classes = classesOf(LOSSES[loss], units) ?? numClasses;
    if (classWeights.length !== classes) {
      throw new RangeError(
        `Cannot train: expected class weights for ${classes} classes, got ${classWeights.length}`,
      );
    }
    this.#classWeights = classWeights;
  }

  /** Gathers those from place `start` to before `end` of an order of the rows. */
  gather(order: Uint32Array, start: number, end: number): TargetsOfStep {
    const { targets, weights, outputs } = this.#data, rows = this.#rows, length = end - start;
    this.#grow(length);
    const weighted = weights !== undefined || this.#classWeights !== undefined;
    // Each step of a sequence has the weight of its row.
    const perRow = this.#data.task === "classification" ? outputs : 1;
    for (let i = 0; i < length; i++) {
      const place = order[start + i] ?? 0, row = rows ? rows[place] ?? 0 : place;
      for (let k = 0; k < outputs; k++) {
        this.#targets[i * outputs + k] = targets[row * outputs + k] ?? 0;
      }
      for (let k = 0; weighted && k < perRow; k++) {
        const ofClass = this.#classWeights?.[targets[row * perRow + k] ?? 0] ?? 1;
        this.#weights[i * perRow + k] = ofClass * (weights?.[row] ?? 1);
      }
    }
    return {
      targets: this.#targets.subarray(0, length * outputs),
      ...weighted && { weights: this.#weights.subarray(0, length * perRow) },
    };
  }

  #grow(rows: number): void {
    const { task, outputs } = this.#data;
    if (this.#targets.length >= rows * outputs) return;
    this.#weights = new Float32Array(rows * outputs);
    this.#targets = task === "classification"
      ? new Int32Array(rows * outputs)
      : new Float32Array(rows * outputs);
  }
}

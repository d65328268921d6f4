/**
 * Predictions for the rows of a table.
 *
 * @module
 */

import { shownBy } from "../base/lazy.ts";
import type { Task } from "../data/schema/schema.ts";

/** Probability above which a label holds. */
const HOLDS = 0.5;

/** Prediction for one row. */
export interface Prediction {
  /** Id of the row, where the data have ids. */
  readonly id?: string;
  /** Name of the most probable class, for a classification. */
  readonly class?: string;
  /** Names of the labels with a probability above 0.5, for a multi-label task. */
  readonly labels?: readonly string[];
  /** Probability of each class or label, by name. */
  readonly probabilities?: Readonly<Record<string, number>>;
  /** Measures in their own units, by name, for a regression. */
  readonly values?: Readonly<Record<string, number>>;
  /** Prediction at each step of a sequence, for a model with a class at each step. */
  readonly steps?: readonly Prediction[];
}

/** Fields of {@linkcode Predictions}. */
export interface PredictionsParts {
  /** Task. */
  readonly task: Task;
  /** Names of the classes, labels or measures. */
  readonly names: readonly string[];
  /** A probability or measure for each name, row after row; NaN for a row without prediction. */
  readonly scores: Float64Array;
  /** Id of each row. */
  readonly ids?: readonly string[];
  /** Remarks, such as columns that were ignored. */
  readonly notes?: readonly string[];
  /** Steps of the rows, for a model with a class at each step. */
  readonly steps?: PredictedSteps;
}

/** Steps of the rows of sequences. */
export interface PredictedSteps {
  /** Number of steps for which there are scores. */
  readonly count: number;
  /** Number of steps of each row that are not padding. */
  readonly lengths: Uint32Array;
}

/**
 * Predictions for the rows of a table, in their order. A row that the schema's policy for missing
 * values leaves out has the prediction `undefined`.
 */
export class Predictions implements Iterable<Prediction | undefined> {
  /** Task. */
  readonly task: Task;
  /** Names of the classes, labels or measures. */
  readonly names: readonly string[];
  /**
   * A probability or measure for each name, row after row: `length * names.length` values, or
   * `length * steps.count * names.length`; NaN for a row without prediction, and in padding.
   */
  readonly scores: Float64Array;
  /** Id of each row, where the data have ids. */
  readonly ids?: readonly string[];
  /** Remarks, such as columns that were ignored. */
  readonly notes: readonly string[];
  /** Steps of the rows, for a model with a class at each step. */
  readonly steps?: PredictedSteps;

  /** Wraps scores without copying them. */
  constructor({ task, names, scores, ids, notes = [], steps }: PredictionsParts) {
    this.task = task;
    this.names = names;
    this.scores = scores;
    if (ids) this.ids = ids;
    this.notes = notes;
    if (steps) this.steps = steps;
  }

  static {
    shownBy(this.prototype, async (all) => (await import("./display.ts")).predictionsMedia(all));
  }

  /** Number of rows. */
  get length(): number {
    return this.scores.length / this.#width;
  }

  /** Number of rows without prediction. */
  get numMissing(): number {
    let count = 0;
    for (let row = 0; row < this.length; row++) if (this.#isMissing(row)) count++;
    return count;
  }

  /**
   * Returns the prediction for a row; `undefined` if the row was left out.
   *
   * @throws {RangeError} If there is no such row.
   */
  at(row: number): Prediction | undefined {
    if (!(Number.isInteger(row) && row >= 0 && row < this.length)) {
      throw new RangeError(
        `Cannot give a prediction: expected a row from 0 to ${this.length - 1}, got ${row}`,
      );
    }
    if (this.#isMissing(row)) return undefined;
    const id = this.ids?.[row], common = id === undefined ? {} : { id };
    const { length } = this.names, { steps } = this, first = row * this.#width;
    if (steps === undefined) return { ...common, ...this.#predictionAt(first) };
    const list = Array.from(
      { length: steps.lengths[row] ?? 0 },
      (_, step) => this.#predictionAt(first + step * length),
    );
    return { ...common, steps: list };
  }

  /** Returns the prediction whose scores begin at a place. */
  #predictionAt(place: number): Prediction {
    const { names, task } = this;
    const scores = this.scores.subarray(place, place + names.length);
    const byName = Object.fromEntries(names.map((name, i) => [name, scores[i] ?? NaN]));
    if (task === "regression") return { values: byName };
    if (task === "multi-label") {
      const labels = names.filter((_, i) => (scores[i] ?? 0) > HOLDS);
      return { labels, probabilities: byName };
    }
    return { class: names[largest(scores)] ?? "", probabilities: byName };
  }

  /** Lists the predictions of all rows. */
  *[Symbol.iterator](): Generator<Prediction | undefined> {
    for (let row = 0; row < this.length; row++) yield this.at(row);
  }

  /** Number of scores of a row. */
  get #width(): number {
    return this.names.length * (this.steps?.count ?? 1);
  }

  #isMissing(row: number): boolean {
    return Number.isNaN(this.scores[row * this.#width]);
  }
}

/** Returns the index of the first of the largest values. */
function largest(values: Float64Array): number {
  let best = 0;
  values.forEach((value, i) => {
    if (value > (values[best] ?? NaN)) best = i;
  });
  return best;
}

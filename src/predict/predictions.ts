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
   * A probability or measure for each name, row after row: `length * names.length` values, NaN for
   * a row without prediction.
   */
  readonly scores: Float64Array;
  /** Id of each row, where the data have ids. */
  readonly ids?: readonly string[];
  /** Remarks, such as columns that were ignored. */
  readonly notes: readonly string[];

  /** Wraps scores without copying them. */
  constructor({ task, names, scores, ids, notes = [] }: PredictionsParts) {
    this.task = task;
    this.names = names;
    this.scores = scores;
    if (ids) this.ids = ids;
    this.notes = notes;
  }

  static {
    shownBy(this.prototype, async (all) => (await import("./display.ts")).predictionsMedia(all));
  }

  /** Number of rows. */
  get length(): number {
    return this.scores.length / this.names.length;
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
    const { names, task } = this, id = this.ids?.[row];
    const scores = this.scores.subarray(row * names.length, (row + 1) * names.length);
    const byName = Object.fromEntries(names.map((name, i) => [name, scores[i] ?? NaN]));
    const common = id === undefined ? {} : { id };
    if (task === "regression") return { ...common, values: byName };
    if (task === "multi-label") {
      const labels = names.filter((_, i) => (scores[i] ?? 0) > HOLDS);
      return { ...common, labels, probabilities: byName };
    }
    return { ...common, class: names[largest(scores)] ?? "", probabilities: byName };
  }

  /** Lists the predictions of all rows. */
  *[Symbol.iterator](): Generator<Prediction | undefined> {
    for (let row = 0; row < this.length; row++) yield this.at(row);
  }

  #isMissing(row: number): boolean {
    return Number.isNaN(this.scores[row * this.names.length]);
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

/**
 * Standardization of features to mean 0 and standard deviation 1.
 *
 * @module
 */

import { trustFinite } from "./finite.ts";
import { shareableFloats } from "./shareable.ts";
import type { Dataset } from "./dataset.ts";

/** State of a {@linkcode Standardizer} as JSON, with one number for each feature in both lists. */
export interface StandardizerState {
  /** Means. */
  readonly mean: readonly number[];
  /** Standard deviations over all rows (and pixels of a channel); 0 for a constant feature. */
  readonly deviation: readonly number[];
}

/**
 * Shifts and scales features so that each has mean 0 and standard deviation 1 over the rows that
 * the standardizer was fitted to. A feature that is constant there becomes 0, in other data too.
 * The pixels of an image (a row of height, width and channels) share the mean and the deviation of
 * their channel, so that pixels at the border, which hardly vary, are not amplified.
 *
 * Fit it to the training data and apply it to training and test data. In a federation all clients
 * need the same standardizer: {@linkcode Standardizer.toJSON} gives its state.
 *
 * Mean and variance are computed in one pass: B. P. Welford, "Note on a Method for Calculating
 * Corrected Sums of Squares and Products", Technometrics 4(3), 1962, equations 1 and 2. The sum of
 * squares about the mean is divided by n, not by n - 1.
 *
 * @example Two rows of two features
 * ```ts
 * import { Dataset, Standardizer } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const train = new Dataset(Float32Array.of(1, 5, 3, 5), new Int32Array(2), [2], 1);
 * const standardizer = Standardizer.fit(train);
 * assertEquals([...standardizer.apply(train).features], [-1, 0, 1, 0]);
 * assertEquals(JSON.stringify(standardizer), '{"mean":[2,5],"deviation":[1,0]}');
 * ```
 */
export class Standardizer {
  readonly #mean: Float64Array;
  readonly #deviation: Float64Array;

  private constructor(mean: Float64Array, deviation: Float64Array) {
    this.#mean = mean;
    this.#deviation = deviation;
  }

  /**
   * Fits a standardizer to the rows of a data set.
   *
   * @throws {RangeError} If there are no rows, or a feature is not finite.
   */
  static fit(data: Dataset): Standardizer {
    const { features, length, rowLength, shape } = data;
    if (length === 0) {
      throw new RangeError("Cannot standardize: expected rows to learn from, got 0");
    }
    const numGroups = (shape.length === 3 ? shape[2] : undefined) ?? rowLength;
    const mean = new Float64Array(numGroups);
    const squares = new Float64Array(numGroups);
    for (let i = 0, count = 0; i < features.length;) {
      count++;
      for (let group = 0; group < numGroups; group++, i++) {
        const value = features[i] ?? 0;
        if (!Number.isFinite(value)) {
          throw new RangeError(
            `Cannot standardize: expected finite features, got ${value} in row ${
              Math.floor(i / rowLength)
            }`,
          );
        }
        const before = mean[group] ?? 0;
        const after = before + (value - before) / count;
        mean[group] = after;
        squares[group] = (squares[group] ?? 0) + (value - before) * (value - after);
      }
    }
    const count = features.length / numGroups;
    const forAll = (ofGroups: Float64Array) =>
      Float64Array.from({ length: rowLength }, (_, i) => ofGroups[i % numGroups] ?? 0);
    return new Standardizer(
      forAll(mean),
      forAll(squares.map((sum) => Math.sqrt(sum / count))),
    );
  }

  /**
   * Makes a standardizer from the state that {@linkcode Standardizer.toJSON} gave.
   *
   * @throws {TypeError} If the state has another shape.
   * @throws {RangeError} If a number is not finite or a deviation is negative.
   */
  static from(state: unknown): Standardizer {
    const { mean, deviation } = (state ?? {}) as Record<string, unknown>;
    const isList = (list: unknown): list is number[] =>
      Array.isArray(list) && list.every((value) => typeof value === "number");
    if (!isList(mean) || !isList(deviation) || mean.length !== deviation.length) {
      throw new TypeError(
        "Cannot take up a standardizer: expected an object of two lists of numbers of one length, mean and deviation",
      );
    }
    const wrong = deviation.findIndex((value, i) =>
      !(value >= 0 && Number.isFinite(value) && Number.isFinite(mean[i]))
    );
    if (wrong >= 0) {
      throw new RangeError(
        `Cannot take up a standardizer: expected finite numbers and no negative deviation, got ${
          mean[wrong]
        } and ${deviation[wrong]} for feature ${wrong}`,
      );
    }
    return new Standardizer(Float64Array.from(mean), Float64Array.from(deviation));
  }

  /**
   * Copies data with standardized features.
   *
   * @throws {RangeError} If rows have another length than those fitted to, or a feature is not
   * finite or becomes too large for a 32-bit float.
   */
  apply(data: Dataset): Dataset {
    const width = this.#mean.length;
    if (data.rowLength !== width) {
      throw new RangeError(
        `Cannot standardize: expected rows of ${width} features, got ${data.rowLength}`,
      );
    }
    const features = shareableFloats(data.features.length);
    data.features.forEach((value, i) => {
      const deviation = this.#deviation[i % width] ?? 0;
      const standardized = deviation === 0 ? 0 : (value - (this.#mean[i % width] ?? 0)) / deviation;
      if (!Number.isFinite(Math.fround(standardized)) || !Number.isFinite(value)) {
        throw new RangeError(
          `Cannot standardize: expected finite features, before and after, got ${value} in row ${
            Math.floor(i / width)
          }, which becomes ${standardized}`,
        );
      }
      features[i] = standardized;
    });
    return trustFinite(data.withFeatures(features));
  }

  /** Gives the means and standard deviations. */
  toJSON(): StandardizerState {
    return { mean: [...this.#mean], deviation: [...this.#deviation] };
  }
}

/**
 * Features of mean 0 and standard deviation 1.
 *
 * @module
 */

import { trustFinite } from "./finite.ts";
import { shareableFloats } from "./shareable.ts";
import { Dataset } from "./dataset.ts";

/** What a {@linkcode Standardizer} has learned, as JSON: one number a feature in both. */
export interface StandardizerState {
  /** The means. */
  readonly mean: readonly number[];
  /** The standard deviations, over all rows (and pixels of a channel); 0 for a feature that is always the same. */
  readonly deviation: readonly number[];
}

/**
 * Shifts and scales each feature so that over the rows it was fitted to it has mean 0 and standard deviation 1. A feature that
 * is constant there becomes 0 everywhere, whatever it is in other data. The pixels of an image, a row of height, width and
 * channels, share the mean and the deviation of their channel: a pixel at the border that is hardly ever inked is not blown up.
 *
 * Fit it to what is learned from, and apply it to that and to what is tested on. In a federation all clients need the same one:
 * {@linkcode Standardizer.toJSON} gives it in a form that can be handed round.
 *
 * Mean and variance are found in one pass: B. P. Welford, "Note on a Method for Calculating Corrected Sums of Squares and
 * Products", Technometrics 4(3), 1962, equations 1 and 2; M_n is the sum of squares about the mean, and its nth part, not its
 * (n - 1)th, the variance.
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

  /** Learns from the rows of a data set. Throws a `RangeError` when there are none, and for a feature that is not finite. */
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
   * Takes up what {@linkcode Standardizer.toJSON} gave. Throws a `TypeError` when it has another shape, and a `RangeError` for
   * numbers that are not finite or a negative deviation.
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
   * A copy of the data with standardized features. Throws a `RangeError` when rows have another length than those fitted to, and
   * for a feature that is not finite or becomes too large for a 32-bit float.
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
    return trustFinite(new Dataset(features, data.labels, data.shape, data.numClasses));
  }

  /** Means and standard deviations. */
  toJSON(): StandardizerState {
    return { mean: [...this.#mean], deviation: [...this.#deviation] };
  }
}

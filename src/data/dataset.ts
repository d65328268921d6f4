/**
 * Labelled samples in memory.
 *
 * @module
 */

import { isShareable, shareableFloats, shareableInts } from "./shareable.ts";

/** Labelled samples: rows of features, one after the other, with one class label each. */
export class Dataset {
  /** Features, row after row: a `Float32Array` of length `length * rowLength`. */
  readonly features: Float32Array;
  /** Label of each row, from 0 to `numClasses - 1`. */
  readonly labels: Int32Array;
  /** Shape of a row, such as `[64]` or `[28, 28, 1]`. */
  readonly shape: readonly number[];
  /** Number of classes: a whole number from 1, or 0 when there are no rows. */
  readonly numClasses: number;

  /**
   * Wraps the arrays without copying them.
   *
   * @throws {RangeError} If lengths, labels or number of classes do not fit.
   */
  constructor(
    features: Float32Array,
    labels: Int32Array,
    shape: readonly number[],
    numClasses: number,
  ) {
    const rowLength = shape.reduce((product, size) => product * size, 1);
    if (features.length !== labels.length * rowLength) {
      throw new RangeError(
        `Cannot make a data set: expected ${labels.length} rows of ${rowLength} features, got ${features.length} values`,
      );
    }
    const fewest = labels.length === 0 ? 0 : 1;
    if (!Number.isInteger(numClasses) || numClasses < fewest) {
      throw new RangeError(
        `Cannot make a data set: expected a whole number of classes from ${fewest}, got ${numClasses}`,
      );
    }
    const wrong = labels.findIndex((label) => label < 0 || label >= numClasses);
    if (wrong >= 0) {
      throw new RangeError(
        `Cannot make a data set: expected labels from 0 to ${numClasses - 1}, got ${
          labels[wrong]
        } in row ${wrong}`,
      );
    }
    this.features = features;
    this.labels = labels;
    this.shape = shape;
    this.numClasses = numClasses;
  }

  /** Number of rows. */
  get length(): number {
    return this.labels.length;
  }

  /** Number of features of a row. */
  get rowLength(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  /** Gives the same data in memory that workers share, or itself if it is there already. */
  share(): Dataset {
    if (isShareable(this.features) && isShareable(this.labels)) return this;
    const features = shareableFloats(this.features.length);
    features.set(this.features);
    return new Dataset(features, shareableInts(this.labels), this.shape, this.numClasses);
  }

  /**
   * Copies rows, in the given order.
   *
   * @param rows Indices of the rows.
   * @throws {RangeError} If there is no such row.
   */
  select(rows: ArrayLike<number>): Dataset {
    const { rowLength } = this;
    const features = new Float32Array(rows.length * rowLength);
    const labels = new Int32Array(rows.length);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] ?? -1;
      const label = this.labels[row];
      if (label === undefined) {
        throw new RangeError(`Cannot select row ${row}: expected 0 to ${this.length - 1}`);
      }
      features.set(this.features.subarray(row * rowLength, (row + 1) * rowLength), i * rowLength);
      labels[i] = label;
    }
    return new Dataset(features, labels, this.shape, this.numClasses);
  }
}

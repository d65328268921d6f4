/** Rows of features with their targets, in memory. @module */

import { shownBy } from "../base/lazy.ts";
import { ByteFeatures } from "./byte_features.ts";
import {
  checkFeatures,
  checkLabels,
  checkMeasures,
  checkShape,
  checkWeights,
  wrongLabels,
} from "./check_arrays.ts";
import { copyRows } from "./copy_rows.ts";
import type { DatasetExtras, DatasetParts } from "./dataset_parts.ts";
import type { Schema, Task } from "./schema/schema.ts";
import { isShareable, shareableFloats, shareableInts } from "./shareable.ts";

/** Returns the features as a data set keeps them; see {@linkcode storedFeatures}. */
let stored: (data: Dataset) => Float32Array | ByteFeatures;

/**
 * Rows of features, one after the other, with the targets of a task: one class label each,
 * several labels that hold or not, or measures.
 *
 * @example Two rooms and their rents
 * ```ts
 * import { Dataset } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const rents = Dataset.of({
 *   features: Float32Array.of(12, 1, 30, 2),
 *   targets: Float32Array.of(420, 910),
 *   shape: [2],
 *   task: "regression",
 * });
 * assertEquals([rents.length, rents.outputs], [2, 1]);
 * ```
 */
export class Dataset {
  /** Features; bytes until somebody reads them as floats, so that only one of the two is kept. */
  #features: Float32Array | ByteFeatures;
  /**
   * Targets, row after row, of length `length * outputs`.
   *
   * - Classification: an `Int32Array` of the class of each row, from 0 to `numClasses - 1`. With
   *   more than one output, of the class of each step of a sequence; a step of -1 does not count.
   * - Multi-label: a `Float32Array` of 0 and 1, one value for each label.
   * - Regression: a `Float32Array` of finite measures, one value for each output.
   */
  readonly targets: Int32Array | Float32Array;
  /** Shape of a row, such as `[64]` or `[28, 28, 1]`. */
  readonly shape: readonly number[];
  /** Task. */
  readonly task: Task;
  /**
   * Number of classes: a whole number from 1, or 0 when there are no rows or the task is not
   * classification.
   */
  readonly numClasses: number;
  /** Number of target values of a row: for classification 1, or the steps of a sequence. */
  readonly outputs: number;
  /** Weight of each row in the training loss, of length `length`. Absent: 1 each. */
  readonly weights?: Float32Array;
  /** Meaning of the features and targets. */
  readonly schema?: Schema;

  /**
   * Wraps the arrays of a classification task without copying them. Labels in a typed array of
   * another kind are copied.
   *
   * @throws {TypeError} If an argument is an array of another kind.
   * @throws {RangeError} If lengths, labels or number of classes do not fit.
   */
  constructor(
    features: Float32Array,
    labels: Int32Array,
    shape: readonly number[],
    numClasses: number,
  );
  /**
   * Wraps the arrays of any task without copying them.
   *
   * @throws {TypeError} If an argument is an array of another kind.
   * @throws {RangeError} If lengths, targets, weights or number of classes do not fit.
   */
  constructor(
    features: Float32Array,
    targets: Int32Array | Float32Array,
    shape: readonly number[],
    numClasses: number,
    extras: DatasetExtras,
  );
  constructor(
    features: Float32Array | ByteFeatures,
    targets: Int32Array | Float32Array,
    shape: readonly number[],
    numClasses: number,
    { task = "classification", outputs = 1, weights, schema }: DatasetExtras = {},
  ) {
    checkShape(shape);
    this.shape = shape;
    this.#features = features instanceof ByteFeatures ? features : checkFeatures(features);
    this.task = task;
    if (task === "classification") {
      this.targets = checkLabels(targets, numClasses, outputs);
      this.numClasses = numClasses;
      this.outputs = outputs;
    } else {
      this.targets = checkMeasures(targets, outputs, task);
      this.numClasses = 0;
      this.outputs = outputs;
    }
    const { length, rowLength } = this;
    if (features.length !== length * rowLength) {
      throw new RangeError(
        `Cannot make a data set: expected ${length} rows of ${rowLength} features, got ${features.length} values`,
      );
    }
    if (weights) this.weights = checkWeights(weights, length);
    if (schema) this.schema = schema;
  }

  /**
   * Wraps the arrays of any task without copying them.
   *
   * @throws {TypeError} If an array is of another kind.
   * @throws {RangeError} If lengths, targets, weights or number of classes do not fit.
   */
  static of({ features, targets, shape, numClasses = 0, ...extras }: DatasetParts): Dataset {
    return new Dataset(features, targets, shape, numClasses, extras);
  }

  static {
    stored = (data) => data.#features;
    shownBy(
      this.prototype,
      async (data) => (await import("./display/dataset.ts")).datasetMedia(data),
    );
  }

  /**
   * Features, row after row: a `Float32Array` of length `length * rowLength`. Those of images of 8
   * bits are made from the bytes of the images when they are first read.
   */
  get features(): Float32Array {
    const features = this.#features;
    if (features instanceof Float32Array) return features;
    return this.#features = features.toFloats();
  }

  /**
   * Label of each row, from 0 to `numClasses - 1`.
   *
   * @throws {TypeError} If the task is not classification, or a row has more than one label.
   */
  get labels(): Int32Array {
    if (this.targets instanceof Int32Array && this.outputs === 1) return this.targets;
    throw wrongLabels("Cannot give the labels of a data set", this);
  }

  /** Number of rows. */
  get length(): number {
    return this.targets.length / this.outputs;
  }

  /** Number of features of a row. */
  get rowLength(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  /** Gives the same data in memory that workers share, or itself if it is there already. */
  share(): Dataset {
    const { targets, weights } = this, features = this.#features;
    const areBytes = features instanceof ByteFeatures;
    const arrays = [...areBytes ? [] : [features], targets, ...weights ? [weights] : []];
    const shared = areBytes ? features.share() : features;
    if (shared === features && arrays.every(isShareable)) return this;
    const floats = (values: Float32Array) => {
      const shared = shareableFloats(values.length);
      shared.set(values);
      return shared;
    };
    return this.#with({
      features: shared instanceof ByteFeatures ? shared : floats(shared),
      targets: targets instanceof Int32Array ? shareableInts(targets) : floats(targets),
      weights: weights && floats(weights),
    });
  }

  /**
   * Gives the same targets with other features; nothing is copied.
   *
   * @throws {RangeError} If there are not as many features as before.
   */
  withFeatures(features: Float32Array): Dataset {
    return this.#with({ features, targets: this.targets, weights: this.weights });
  }

  /**
   * Copies rows, in the given order.
   *
   * @param rows Indices of the rows.
   * @throws {RangeError} If there is no such row.
   */
  select(rows: ArrayLike<number>): Dataset {
    const { rowLength, outputs, length, weights } = this;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] ?? -1;
      if (!(Number.isInteger(row) && row >= 0 && row < length)) {
        throw new RangeError(`Cannot select row ${row}: expected 0 to ${length - 1}`);
      }
    }
    const features = this.#features;
    return this.#with({
      features: features instanceof ByteFeatures
        ? new ByteFeatures(copyRows(features.bytes, rows, rowLength), features.scale)
        : copyRows(features, rows, rowLength),
      targets: copyRows(this.targets, rows, outputs),
      weights: weights && copyRows(weights, rows, 1),
    });
  }

  #with({ features, ...arrays }: StoredParts): Dataset {
    const { shape, numClasses, task, outputs, schema } = this;
    return datasetOf(features, { ...arrays, shape, numClasses, task, outputs, schema });
  }
}

/** Arrays of a data set, with features as it keeps them. */
type StoredParts = Pick<DatasetParts, "targets" | "weights"> & {
  readonly features: Float32Array | ByteFeatures;
};

/** Makes a data set of features of either kind. The errors are those of {@linkcode Dataset.of}. */
export function datasetOf(
  features: Float32Array | ByteFeatures,
  { targets, shape, numClasses = 0, ...extras }: Omit<DatasetParts, "features">,
): Dataset {
  // The kind is known to this package alone.
  return new Dataset(features as Float32Array, targets, shape, numClasses, extras);
}

/**
 * Returns the features as a data set keeps them: bytes where it was made of bytes, and `features`
 * was not read yet.
 */
export function storedFeatures(data: Dataset): Float32Array | ByteFeatures {
  return stored(data);
}

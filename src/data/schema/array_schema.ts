/**
 * Schemas of data without columns: arrays and images.
 *
 * @module
 */

import { withDisplay } from "./normal.ts";
import type { Dataset } from "../dataset.ts";
import type { DataGenerator } from "./generator.ts";
import type { ArrayInput, Schema, TargetSchema, Task } from "./schema.ts";

/** Meaning of the values of an array. */
export interface ArrayMeaning {
  /** Shape of a row. */
  readonly shape: readonly number[];
  /**
   * Task.
   *
   * @default {"classification"}
   */
  readonly task?: Task | undefined;
  /**
   * Number of labels or measures, for the other tasks; for classification, of steps with a class.
   */
  readonly outputs?: number | undefined;
  /** Names of the classes. Default: their numbers. */
  readonly classes?: readonly string[] | undefined;
  /** Number of classes, where they have no names. */
  readonly numClasses?: number | undefined;
  /**
   * Factor by which raw values were multiplied.
   *
   * @default {1}
   */
  readonly scale?: number | undefined;
  /** Standardization. Default: none. */
  readonly standardize?: ArrayInput["standardize"] | undefined;
  /** Generator of the data. Default: none. */
  readonly generator?: DataGenerator | undefined;
}

/** Schemas of arrays whose classes have names, also where these are numbers. */
const named = new WeakSet<Schema>();

/**
 * Returns true for a schema that {@linkcode arraySchema} has made with names of the classes, as
 * those of handwritten digits: they are names although they are numbers.
 */
export function hasClassNames(schema: Schema): boolean {
  return named.has(schema);
}

/** Names of classes, labels or measures that have none: their numbers. */
export function numberedClasses(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${i}`);
}

/** Returns true if the names of classes are their numbers. */
export function areNumbered(classes: readonly string[]): boolean {
  return classes.every((name, i) => name === `${i}`);
}

/**
 * Makes the schema of data without columns: one input, which is an image if a row has height, width
 * and channels, else an array.
 */
export function arraySchema(
  { shape, task = "classification", outputs = 1, classes, numClasses = 1, ...meaning }:
    ArrayMeaning,
): Schema {
  const { scale = 1, standardize, generator } = meaning;
  const isImage = shape.length === 3;
  const schema = withDisplay({
    format: "fedlab.schema/1",
    inputs: [{
      name: isImage ? "image" : "features",
      kind: isImage ? "image" : "array",
      shape: [...shape],
      ...(scale !== 1 && { scale }),
      ...(standardize && { standardize }),
      ...(generator && { generator }),
    }],
    target: targetOf(task, outputs, classes ?? numberedClasses(numClasses)),
  });
  if (classes) named.add(schema);
  return schema;
}

function targetOf(task: Task, outputs: number, classes: readonly string[]): TargetSchema {
  switch (task) {
    case "classification":
      return { name: "label", task, classes: [...classes], ...(outputs > 1 && { steps: outputs }) };
    case "multi-label":
      return { name: "labels", task, labels: numberedClasses(outputs) };
    case "regression":
      return {
        name: "measures",
        task,
        outputs: numberedClasses(outputs).map((name) => ({ name })),
      };
  }
}

/**
 * Computes the mean and the standard deviation (divided by n) of each feature, or of each channel
 * of images, in one pass: B. P. Welford, "Note on a Method for Calculating Corrected Sums of
 * Squares and Products", Technometrics 4(3), 1962, equations 1 and 2.
 *
 * @throws {RangeError} If there are no rows, or a feature is not finite.
 */
export function arrayMoments(
  { features, length, rowLength, shape }: Pick<
    Dataset,
    "features" | "length" | "rowLength" | "shape"
  >,
): { mean: number[]; deviation: number[] } {
  if (length === 0) {
    throw new RangeError("Cannot standardize: expected rows to learn from, got 0");
  }
  const groups = (shape.length === 3 ? shape[2] : undefined) ?? rowLength;
  const mean = new Float64Array(groups), squares = new Float64Array(groups);
  for (let i = 0, count = 0; i < features.length;) {
    count++;
    for (let group = 0; group < groups; group++, i++) {
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
  const count = features.length / groups;
  return { mean: [...mean], deviation: Array.from(squares, (sum) => Math.sqrt(sum / count)) };
}

/** Returns a function that standardizes the feature of an index in a row. */
export function standardizerOf(
  { standardize, shape, kind }: Pick<ArrayInput, "standardize" | "shape" | "kind">,
): (value: number, index: number) => number {
  if (!standardize) return (value) => value;
  const { mean, deviation } = standardize;
  const groups = kind === "image" ? shape[2] ?? 1 : mean.length;
  return (value, index) => {
    const of = index % groups;
    return deviation[of] === 0 ? 0 : (value - (mean[of] ?? 0)) / (deviation[of] ?? 1);
  };
}

/**
 * Checks of the arrays of a data set. A page or a script in plain JavaScript passes arrays of any
 * kind.
 *
 * @module
 */

import type { Task } from "./schema/schema.ts";

const PROBLEM = "Cannot make a data set";

/** Names the kind of a value: its class, such as `Float64Array`, or its type. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object" && typeof value !== "function") return `a ${typeof value}`;
  const name: unknown = value.constructor?.name;
  if (typeof name !== "string" || name === "") return "an object";
  return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
}

/** Shortens a number to the digits that a 32-bit float holds: 0.2, not 0.20000000298023224. */
function brief(value: number): number {
  return Number(value.toPrecision(7));
}

function wrongKind(what: string, expected: string, value: unknown): TypeError {
  return new TypeError(`${PROBLEM}: expected ${what} in ${expected}, got ${kindOf(value)}`);
}

/**
 * Checks the shape of a row.
 *
 * @throws {TypeError} If it is not a list.
 * @throws {RangeError} If a size is not a whole number from 0.
 */
export function checkShape(shape: readonly number[]): void {
  if (!Array.isArray(shape)) throw wrongKind("a shape", "an Array", shape);
  const wrong = shape.find((size) => !Number.isSafeInteger(size) || size < 0);
  if (wrong !== undefined) {
    throw new RangeError(`${PROBLEM}: expected a shape of whole numbers, got [${shape}]`);
  }
}

/**
 * Returns the features.
 *
 * @throws {TypeError} If they are not a `Float32Array`.
 */
export function checkFeatures(features: Float32Array): Float32Array {
  if (features instanceof Float32Array) return features;
  throw wrongKind("features", "a Float32Array", features);
}

/**
 * Checks the number of classes.
 *
 * @throws {RangeError} If it is not a whole number from 1, or from 0 without rows.
 */
export function checkNumClasses(numClasses: number, rows: number): void {
  const fewest = rows === 0 ? 0 : 1;
  if (Number.isInteger(numClasses) && numClasses >= fewest) return;
  throw new RangeError(
    `${PROBLEM}: expected a whole number of classes from ${fewest}, got ${numClasses}`,
  );
}

/**
 * Returns class labels as an `Int32Array`: the array itself, or a copy of a typed array of another
 * kind.
 *
 * @throws {TypeError} If they are not a typed array of numbers.
 * @param steps Number of labels of a row: with more than one, a label of -1 does not count.
 * @throws {RangeError} If a label is not a whole number from 0 to `numClasses - 1`, or the labels
 * are not whole rows.
 */
export function checkLabels(
  labels: ArrayLike<number>,
  numClasses: number,
  steps = 1,
): Int32Array {
  if (
    !ArrayBuffer.isView(labels) || labels instanceof DataView ||
    labels instanceof BigInt64Array || labels instanceof BigUint64Array
  ) {
    throw wrongKind("labels", "an Int32Array", labels);
  }
  checkNumClasses(numClasses, labels.length);
  checkOutputs(labels.length, steps);
  const least = steps > 1 ? -1 : 0;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] ?? NaN;
    if (Number.isInteger(label) && label >= least && label < numClasses) continue;
    throw new RangeError(
      `${PROBLEM}: expected whole numbers from ${least} to ${numClasses - 1}, got ${
        brief(label)
      } in row ${Math.floor(i / steps)} of the labels`,
    );
  }
  return labels instanceof Int32Array ? labels : Int32Array.from(labels);
}

/**
 * Checks the number of targets of a row.
 *
 * @throws {RangeError} If it is not a whole number from 1, or the targets are not whole rows.
 */
function checkOutputs(length: number, outputs: number): void {
  if (!Number.isSafeInteger(outputs) || outputs < 1) {
    throw new RangeError(`${PROBLEM}: expected a whole number of outputs from 1, got ${outputs}`);
  }
  if (length % outputs === 0) return;
  throw new RangeError(`${PROBLEM}: expected rows of ${outputs} targets, got ${length} values`);
}

/**
 * Returns the targets of a task other than classification.
 *
 * @throws {TypeError} If they are not a `Float32Array`, or the task is unknown.
 * @throws {RangeError} If the number of outputs is not a whole number from 1, the targets are not
 * whole rows, a measure is not finite, or a label is neither 0 nor 1.
 */
export function checkMeasures(
  targets: ArrayLike<number>,
  outputs: number,
  task: Exclude<Task, "classification">,
): Float32Array {
  if (task !== "regression" && task !== "multi-label") {
    throw new TypeError(
      `${PROBLEM}: expected the task classification, multi-label or regression, got ${
        JSON.stringify(task)
      }`,
    );
  }
  const binary = task === "multi-label";
  if (!(targets instanceof Float32Array)) {
    const fits = binary && (targets instanceof Int32Array || targets instanceof Uint8Array);
    if (!fits) throw wrongKind("targets", "a Float32Array", targets);
  }
  checkOutputs(targets.length, outputs);
  for (let i = 0; i < targets.length; i++) {
    const value = targets[i] ?? NaN;
    if (binary ? value === 0 || value === 1 : Number.isFinite(value)) continue;
    throw new RangeError(
      `${PROBLEM}: expected ${binary ? "0 or 1 for each label" : "finite targets"}, got ${
        brief(value)
      } in row ${Math.floor(i / outputs)}`,
    );
  }
  return targets instanceof Float32Array ? targets : Float32Array.from(targets);
}

/**
 * Returns the weights of the rows.
 *
 * @throws {TypeError} If they are not a `Float32Array`.
 * @throws {RangeError} If there is not one for each row, or one is not a finite number from 0.
 */
export function checkWeights(weights: Float32Array, rows: number): Float32Array {
  if (!(weights instanceof Float32Array)) throw wrongKind("weights", "a Float32Array", weights);
  if (weights.length !== rows) {
    throw new RangeError(`${PROBLEM}: expected ${rows} weights of rows, got ${weights.length}`);
  }
  const wrong = weights.findIndex((weight) => !(weight >= 0 && weight < Infinity));
  if (wrong < 0) return weights;
  throw new RangeError(
    `${PROBLEM}: expected finite weights from 0, got ${weights[wrong]} in row ${wrong}`,
  );
}

/** Creates an error for data that lack one class label of each row. */
export function wrongLabels(
  problem: string,
  { task, outputs }: { readonly task: Task; readonly outputs: number },
): TypeError {
  const got = task === "classification" ? `${outputs} labels of a row` : task;
  return new TypeError(
    `${problem}: expected the task classification with one label of a row, got ${got}`,
  );
}

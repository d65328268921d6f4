/**
 * Features and outputs that a schema describes.
 *
 * @module
 */

import type { InputSchema, Schema } from "./schema.ts";

/** Returns the number of features of an input. */
export function widthOf(input: InputSchema): number {
  if ("shape" in input) return input.shape.reduce((product, size) => product * size, 1);
  const { missing } = input;
  const own = input.kind === "category"
    ? input.categories.length + (input.unknown === "other" ? 1 : 0)
    : 1;
  const hasIndicator = missing?.indicator === true && missing.policy !== "drop" &&
    missing.policy !== "error";
  return own + (hasIndicator ? 1 : 0);
}

/** Returns the number of features of a row. */
export function schemaWidth({ inputs }: Schema): number {
  return inputs.reduce((sum, input) => sum + widthOf(input), 0);
}

/**
 * Returns the shape of a row for the model: that of the array, image or sequence where it is the
 * only input, else `[width]`.
 */
export function inputShape(schema: Schema): readonly number[] {
  const [first] = schema.inputs;
  if (schema.inputs.length === 1 && first && "shape" in first) return first.shape;
  return [schemaWidth(schema)];
}

/** Returns the number of classes, labels or measures: the outputs of a model. */
export function numOutputs(schema: Schema): number {
  return outputNames(schema).length;
}

/** Returns the names of the classes, labels or measures, in the order of the outputs. */
export function outputNames({ target }: Schema): readonly string[] {
  switch (target.task) {
    case "classification":
      return target.classes;
    case "multi-label":
      return target.labels;
    case "regression":
      return target.outputs.map(({ name }) => name);
  }
}

/** Returns the name of each feature, such as `age`, `sex=m` or `chol is missing`. */
export function featureNames({ inputs }: Schema): string[] {
  return inputs.flatMap((input) => {
    const { name } = input;
    if ("shape" in input) {
      return Array.from(
        { length: widthOf(input) },
        (_, i) => input.columns?.[i] ?? `${name}[${i}]`,
      );
    }
    const own = input.kind === "category"
      ? [
        ...input.categories.map((category) => `${name}=${category}`),
        ...(input.unknown === "other" ? [`${name} is other`] : []),
      ]
      : [name];
    return own.length < widthOf(input) ? [...own, `${name} is missing`] : own;
  });
}

import { arraySchema, numberedClasses } from "../data/schema/array_schema.ts";
import type { Schema, TargetSchema } from "../data/schema/schema.ts";
import { LOSSES } from "../train/losses/losses.ts";
import type { LossName } from "../train/handler.ts";

/**
 * Makes a schema for a model that has none: features by place, and outputs by number.
 *
 * @param shape Shape of a row of the model's input.
 * @param units Number of values that the model gives for a row.
 * @throws {RangeError} If the shape leaves a size open.
 */
export function defaultSchema(
  shape: readonly (number | null)[],
  units: number,
  loss: LossName,
): Schema {
  const sizes = shape.flatMap((size) => size === null ? [] : [size]);
  if (sizes.length < shape.length) {
    throw new RangeError(
      `Cannot use a model without a schema: expected an input of known shape, got [${
        shape.map((size) => size ?? "any")
      }]`,
    );
  }
  return { ...arraySchema({ shape: sizes }), target: targetOf(units, loss) };
}

function targetOf(units: number, loss: LossName): TargetSchema {
  const { output } = LOSSES[loss];
  if (output === "measure") {
    const outputs = numberedClasses(units).map((i) => ({
      name: units === 1 ? "value" : `value ${i}`,
    }));
    return { name: "value", task: "regression", outputs };
  }
  if (output === "logits" || output === "probabilities") {
    return { name: "label", task: "classification", classes: numberedClasses(units) };
  }
  return units === 1
    ? { name: "label", task: "classification", classes: ["0", "1"] }
    : { name: "labels", task: "multi-label", labels: numberedClasses(units) };
}

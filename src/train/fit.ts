import type { Dataset } from "../data/dataset.ts";
import { LOSSES } from "./losses.ts";
import type { LossName, ModelDescription } from "./handler.ts";

/** The description, or a `TypeError` where there is none. */
export function needDescription(description: ModelDescription | undefined): ModelDescription {
  if (description) return description;
  throw new TypeError(
    "Cannot build the model: the server describes none and the handler has none of its own",
  );
}

function describeShape(shape: readonly (number | null)[]): string {
  return `[${shape.map((size) => size ?? "any").join(", ")}]`;
}

/**
 * The shape in which rows of the data go into a model: their own, or flat when the model wants them flat. `inputShape` and
 * `outputShape` are the model's, of one sample; `null` is any size.
 *
 * Throws a `RangeError` when data, model and loss do not fit one another; the message has both sides.
 */
export function checkFit(
  inputShape: readonly (number | null)[],
  outputShape: readonly (number | null)[],
  data: Dataset,
  loss: LossName,
): number[] {
  const same = inputShape.length === data.shape.length &&
    inputShape.every((size, i) => size === null || size === data.shape[i]);
  const flat = inputShape.length === 1 &&
    (inputShape[0] === null || inputShape[0] === data.rowLength);
  if (!same && !flat) {
    throw new RangeError(
      `Cannot use the data with the model: the model takes samples of shape ${
        describeShape(inputShape)
      }, ` +
        `the data has ${describeShape(data.shape)}`,
    );
  }
  const units = loss === "binaryCrossentropy" && data.numClasses !== 2
    ? undefined
    : LOSSES[loss].units(data.numClasses);
  if (units === undefined) {
    throw new RangeError(
      `Cannot use the data with the loss ${loss}: expected 2 classes, got ${data.numClasses}`,
    );
  }
  const [least, most] = units;
  const [size] = outputShape;
  if (outputShape.length !== 1 || typeof size !== "number" || size < least || size > most) {
    throw new RangeError(
      `Cannot use the data with the model: ${loss} over ${data.numClasses} classes takes an output of shape ` +
        `[${least}]${most > least ? " or more" : ""}, the model gives ${
          describeShape(outputShape)
        }`,
    );
  }
  return same ? [...data.shape] : [data.rowLength];
}

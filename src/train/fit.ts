import type { Dataset } from "../data/dataset.ts";
import { LOSSES } from "./losses/losses.ts";
import type { LossName, ModelDescription } from "./handler.ts";

/**
 * Returns the description.
 *
 * @throws {TypeError} If there is none.
 */
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
 * Checks that data, model and loss fit one another.
 *
 * @param inputShape Shape of an input sample of the model; `null` is any size.
 * @param outputShape Shape of an output sample of the model; `null` is any size.
 * @returns The shape in which rows of the data go into the model: their own, or flat where the
 * model wants them flat.
 * @throws {RangeError} If they do not fit; the message has both sides.
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
  const [least, most] = unitsOf(data, loss);
  const size = outputShape.at(-1);
  // A sequence with a label for each step takes an output for each.
  const steps = data.task === "classification" && data.outputs > 1 ? [data.outputs] : [];
  const isFitting = outputShape.slice(0, -1).join() === steps.join() &&
    typeof size === "number" && size >= least && size <= most;
  if (!isFitting) {
    const over = data.task === "classification"
      ? `${data.numClasses} classes${steps.length > 0 ? ` at ${data.outputs} steps` : ""}`
      : `targets of ${data.outputs} values`;
    throw new RangeError(
      `Cannot use the data with the model: ${loss} over ${over} takes an output of shape ` +
        `[${[...steps, least].join(", ")}]${most > least ? " or more" : ""}, the model gives ${
          describeShape(outputShape)
        }`,
    );
  }
  return same ? [...data.shape] : [data.rowLength];
}

/**
 * Returns the least and the most output values of a model for the data and the loss: a client may
 * lack some of the classes of the model.
 *
 * @throws {RangeError} If the loss is for another task, or for fewer classes.
 */
function unitsOf(
  { task, numClasses, outputs }: Dataset,
  loss: LossName,
): readonly [least: number, most: number] {
  const { output } = LOSSES[loss];
  const wrongTask = (expected: string) =>
    new RangeError(
      `Cannot use the data with the loss ${loss}: expected the task ${expected}, got ${task}`,
    );
  switch (output) {
    case "logits":
    case "probabilities":
      if (task !== "classification") throw wrongTask("classification");
      return [numClasses, Infinity];
    case "logit":
    case "probability":
      if (task === "multi-label") return [outputs, outputs];
      if (task === "regression") throw wrongTask("classification or multi-label");
      if (numClasses > 2) {
        throw new RangeError(
          `Cannot use the data with the loss ${loss}: expected 2 classes, got ${numClasses}`,
        );
      }
      return [1, 1];
    case "measure":
      if (task === "multi-label") throw wrongTask("regression");
      return [outputs, outputs];
  }
}

import { didYouMean } from "../../base/did_you_mean.ts";
import { checkInRange } from "../../base/check.ts";
import type { LossName } from "../handler.ts";
import type { ModelOptions } from "./model_options.ts";

/** Last layer of a model, and its loss. */
interface Head {
  readonly name: string;
  readonly units: number;
  readonly loss: LossName;
}

/** Losses that a linear output may have, by task; the first is the default. */
const LINEAR_LOSSES = {
  "classification": ["softmaxCrossEntropy", "sigmoidCrossEntropy"],
  "multi-label": ["sigmoidCrossEntropy"],
  "regression": ["meanSquaredError", "meanAbsoluteError", "huber"],
} as const satisfies Record<string, readonly [LossName, ...LossName[]]>;

/**
 * Checks a size of a model.
 *
 * @throws {RangeError} If it is not a whole number from `least`.
 */
export function checkSize(what: string, size: number | undefined, least: number): number {
  const range = { whole: true, least };
  checkInRange(size ?? NaN, range, "Cannot describe the model", `${what} from ${least}`);
  return size ?? least;
}

/**
 * Returns the last layer of a model for a task.
 *
 * @throws {RangeError} If a size is not a whole number in range, the task is unknown, or the loss
 * is not one of a linear output for the task.
 */
export function headOf(
  { task = "classification", numClasses, outputs = 1, loss }: ModelOptions,
): Head {
  if (!Object.hasOwn(LINEAR_LOSSES, task)) {
    throw new RangeError(
      `Cannot describe the model: expected one of the tasks ${
        Object.keys(LINEAR_LOSSES).join(", ")
      }, got ${JSON.stringify(task)}${didYouMean(task, Object.keys(LINEAR_LOSSES))}`,
    );
  }
  const known: readonly LossName[] = LINEAR_LOSSES[task];
  const chosen = loss ?? LINEAR_LOSSES[task][0];
  if (!known.includes(chosen)) {
    throw new RangeError(
      `Cannot describe the model: expected one of the losses ${
        known.join(", ")
      } for the task ${task}, got ${JSON.stringify(chosen)}${didYouMean(chosen, known)}`,
    );
  }
  if (task !== "classification") {
    const units = checkSize("a number of outputs", outputs, 1);
    return { name: task === "regression" ? "measures" : "logits", units, loss: chosen };
  }
  const units = checkSize("a number of classes", numClasses, 2);
  if (chosen === "softmaxCrossEntropy") return { name: "logits", units, loss: chosen };
  if (units !== 2) {
    throw new RangeError(
      `Cannot describe the model: expected 2 classes for the loss ${chosen}, got ${units}`,
    );
  }
  return { name: "logits", units: 1, loss: chosen };
}

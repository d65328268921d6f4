/**
 * Losses by name.
 *
 * @module
 */

import { didYouMean } from "../../base/did_you_mean.ts";
import type { LossName } from "../handler.ts";
import { categoricalCrossentropy, softmaxCrossEntropy } from "./class_losses.ts";
import type { Loss } from "./loss.ts";
import {
  binaryCrossentropy,
  huber,
  meanAbsoluteError,
  meanSquaredError,
  sigmoidCrossEntropy,
} from "./value_losses.ts";

/**
 * Losses by name. They run on the few values of a model's output, in float64, where a dozen small
 * tfjs kernels would cost more than the model.
 */
export const LOSSES: Readonly<Record<LossName, Loss>> = {
  softmaxCrossEntropy: { compute: softmaxCrossEntropy, output: "logits" },
  categoricalCrossentropy: { compute: categoricalCrossentropy, output: "probabilities" },
  sigmoidCrossEntropy: { compute: sigmoidCrossEntropy, output: "logit" },
  binaryCrossentropy: { compute: binaryCrossentropy, output: "probability" },
  meanSquaredError: { compute: meanSquaredError, output: "measure" },
  meanAbsoluteError: { compute: meanAbsoluteError, output: "measure" },
  huber: { compute: huber, output: "measure" },
};

/** Names of the losses. */
export const LOSS_NAMES: readonly LossName[] = Object.keys(LOSSES) as LossName[];

/**
 * Checks the name of a loss.
 *
 * @throws {RangeError} If it is unknown; the message lists the known ones.
 */
export function checkLoss(loss: string): void {
  if (!Object.hasOwn(LOSSES, loss)) {
    throw new RangeError(
      `Cannot train: expected one of the losses ${LOSS_NAMES.join(", ")}, got ${
        JSON.stringify(loss)
      }${didYouMean(loss, LOSS_NAMES)}`,
    );
  }
}

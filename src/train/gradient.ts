import { stats } from "../params/kernels.ts";
import { CannotTrainError } from "../plan/cannot_train.ts";
import type { GradientResult } from "../plan/results.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import { classifies } from "./losses/loss.ts";
import { LOSSES } from "./losses/losses.ts";
import type { Trainer } from "./trainer.ts";

/**
 * Computes the gradient of the mean loss over `length` training rows, piece by piece.
 *
 * @param beforeEach Awaited before each piece; throws to end the computation.
 * @throws {CannotTrainError} If the gradient is not finite.
 */
export async function meanGradient(
  trainer: Trainer,
  plan: TrainPlan,
  length: number,
  beforeEach: () => Promise<void> | undefined,
): Promise<GradientResult> {
  const { manifest, gradientRows } = trainer;
  const rows = Math.min(gradientRows, length);
  trainer.begin(plan, rows);
  trainer.shuffle(Uint32Array.from({ length }, (_, i) => i));
  const before = trainer.parameters.slice();
  let loss = 0, correct = 0, counted = 0;
  for (let start = 0; start < length; start += rows) {
    await beforeEach();
    const result = trainer.differentiate(start, Math.min(start + rows, length));
    loss += result.loss;
    correct += result.correct;
    counted += result.counted;
    // Layers that look at the whole batch have updated their moving statistics.
    if (gradientRows === Infinity) trainer.parameters = before;
  }
  const { gradient } = trainer;
  const { nonFinite } = stats(gradient);
  if (!Number.isFinite(loss) || nonFinite > 0) {
    throw new CannotTrainError(
      `Cannot give a gradient: the loss of these parameters is ${
        loss / counted
      }, and ${nonFinite} of ` +
        `${manifest.length} values are not finite`,
    );
  }
  return {
    gradient,
    numSamples: length,
    loss: loss / counted,
    metrics: classifies(LOSSES[trainer.loss]) ? { accuracy: correct / counted } : {},
  };
}

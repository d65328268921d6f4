import { CannotTrainError } from "../plan/cannot_train.ts";
import type { TrainResult } from "../plan/results.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import type { PlannedSteps, RecordPrivacy } from "./client_privacy.ts";
import { classifies } from "./losses/loss.ts";
import { LOSSES } from "./losses/losses.ts";
import type { Trainer } from "./trainer.ts";

/**
 * Trains as many steps as the epochs of a plan have, by DP-SGD: each step is on records that are
 * drawn by chance, the gradient of each is clipped, and the mean has noise. The trainer is ready
 * for the round.
 *
 * Abadi et al. 2016, "Deep Learning with Differential Privacy", algorithm 1. The sum of gradients
 * is divided by the expected number of records of a step, however many were drawn. Momentum, Adam,
 * decay and further terms work on the noisy mean, which costs no privacy.
 *
 * @param length Number of training rows.
 * @param batchSize Expected number of rows of a step.
 * @param beforeEach Called before each step, and awaited if it returns a promise; throws to end the
 * training.
 * @throws {CannotTrainError} If the loss, a gradient or a parameter is not finite.
 * @throws {PrivacyBudgetError} If the steps would pass the budget.
 */
export async function trainPrivately(
  trainer: Trainer,
  plan: TrainPlan,
  privacy: RecordPrivacy,
  { length, batchSize }: { readonly length: number; readonly batchSize: number },
  beforeEach: () => Promise<void> | undefined,
): Promise<TrainResult> {
  const { manifest } = trainer;
  if (trainer.sumClipped === undefined || trainer.stepByGradient === undefined) {
    throw wrongEngine();
  }
  const trained = manifest.tensors.filter(({ trainable }) => trainable);
  const dimension = trained.reduce((sum, { length }) => sum + length, 0);
  const { steps } = stepsOf(plan, length), perEpoch = steps / plan.epochs;
  await beforeEach();
  const round = await privacy.begin({ steps, batchSize, records: length, dimension });
  let loss = 0, correct = 0, rows = 0;
  for (let step = 1; step <= steps; step++) {
    const pause = beforeEach();
    if (pause) await pause;
    const drawn = round.draw();
    trainer.shuffle(drawn);
    const result = trainer.sumClipped(0, drawn.length, round.clip);
    if (!Number.isFinite(result.loss)) {
      throw new CannotTrainError(
        `Cannot train with privacy: the loss or the gradient of a record is not finite in step ${step}; lower the learning rate`,
      );
    }
    const { gradient } = trainer;
    for (const { offset, length } of trained) {
      round.release(gradient.subarray(offset, offset + length));
    }
    trainer.stepByGradient();
    // Figures of the last epoch, as those of other trainings are.
    if (step <= steps - perEpoch) continue;
    loss += result.loss;
    correct += result.correct;
    rows += result.counted;
  }
  const nonFinite = trainer.countNonFinite();
  if (nonFinite > 0) {
    throw new CannotTrainError(
      `Training diverged: ${nonFinite} of ${manifest.length} parameters are not finite; lower the learning rate`,
    );
  }
  return {
    numSamples: length,
    steps,
    loss: loss / Math.max(1, rows),
    metrics: classifies(LOSSES[trainer.loss]) ? { accuracy: correct / Math.max(1, rows) } : {},
  };
}

/** Returns the number of steps of a training, and of the records that each has on average. */
export function stepsOf(
  { epochs, batchSize: size }: Pick<TrainPlan, "epochs" | "batchSize">,
  records: number,
): Pick<PlannedSteps, "steps" | "batchSize"> {
  const batchSize = size === 0 ? records : Math.min(size, records);
  return { steps: epochs * Math.ceil(records / batchSize), batchSize };
}

/**
 * Checks that a trainer can train by DP-SGD.
 *
 * @throws {Error} If its engine or its model does not allow it.
 */
export function checkClips(trainer: Trainer): void {
  if (trainer.checkClips === undefined) throw wrongEngine();
  trainer.checkClips();
}

function wrongEngine(): Error {
  return new Error(
    "Cannot keep records private: expected a model that the native engine runs, which alone knows the gradients of single records",
  );
}

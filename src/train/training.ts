import { Random } from "../base/random.ts";
import { permutation } from "../params/permutation.ts";
import { CannotTrainError } from "../plan/cannot_train.ts";
import type { TrainResult } from "../plan/results.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import { classifies } from "./losses/loss.ts";
import { LOSSES } from "./losses/losses.ts";
import type { StepSums, Trainer } from "./trainer.ts";

/**
 * Trains the epochs of a plan in steps of `batchSize` rows. The trainer is ready for the round.
 *
 * @param length Number of training rows.
 * @param beforeEach Called before each step, and awaited if it returns a promise; throws to end the
 * training.
 * @throws {CannotTrainError} If the loss or a parameter is not finite.
 */
export async function trainEpochs(
  trainer: Trainer,
  { epochs, seed, round, rank }: TrainPlan,
  { length, batchSize }: { readonly length: number; readonly batchSize: number },
  beforeEach: () => Promise<void> | undefined,
): Promise<TrainResult> {
  const { manifest } = trainer;
  const shuffling = new Random(seed, "batch-order", { round, rank });
  let steps = 0, loss = 0, correct = 0, counted = 0;
  // The caller goes on before the first step, and may end the training.
  await Promise.resolve();
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const sums: StepSums = { steps: 0, loss: 0, correct: 0, counted: 0 };
    trainer.shuffle(permutation(shuffling, length, trainer.parameters));
    for (let start = 0; start < length;) {
      const pause = beforeEach();
      // An await costs as much as a tenth of a small model's step.
      if (pause) await pause;
      start = trainer.takeSteps?.(start, length, batchSize, sums) ??
        takeStep(trainer, start, Math.min(start + batchSize, length), sums);
      if (!Number.isFinite(sums.loss)) {
        throw new CannotTrainError(
          epoch === 1 && sums.steps === 1
            ? `Cannot train on these parameters: their loss is ${sums.loss} before the first step`
            : `Training diverged: loss is ${sums.loss} in epoch ${epoch}, step ${sums.steps}; ` +
              "lower the learning rate",
        );
      }
    }
    steps += sums.steps;
    ({ loss, correct, counted } = sums);
  }
  if (counted === 0) {
    throw new CannotTrainError("Cannot train: no step of the sequences has a label");
  }
  const nonFinite = trainer.countNonFinite();
  if (nonFinite > 0) {
    throw new CannotTrainError(
      `Training diverged: ${nonFinite} of ${manifest.length} parameters are not finite ` +
        `after epoch ${epochs}; lower the learning rate`,
    );
  }
  return {
    numSamples: length,
    steps,
    loss: loss / counted,
    metrics: classifies(LOSSES[trainer.loss]) ? { accuracy: correct / counted } : {},
  };
}

/** Takes one step, and returns the place after its rows. */
function takeStep(trainer: Trainer, start: number, end: number, sums: StepSums): number {
  const { loss, correct, counted } = trainer.step(start, end);
  sums.steps++;
  sums.loss += loss;
  sums.correct += correct;
  sums.counted += counted;
  return end;
}

import { stats } from "../params/kernels.ts";
import type { TrainSettings } from "../wire/messages.ts";
import type { TrainPlan } from "../train/handler.ts";

/** Adam's constants, those of the paper. */
export const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

/** Whether a step is no more than `w -= learningRate * g`. */
export function isPlain(plan: TrainPlan): boolean {
  const { optimizer = "sgd", momentum, weightDecay, proximal = 0, correction } = plan;
  return optimizer === "sgd" && momentum === 0 && weightDecay === 0 && proximal === 0 &&
    correction === undefined;
}

/** Throws a `RangeError` for settings that are out of range; `problem` begins its message. */
export function checkSettings(settings: TrainSettings, problem: string): void {
  const whole = (value: number, least: number): boolean =>
    Number.isSafeInteger(value) && value >= least && value <= 0xFFFF_FFFF;
  const wrong = (what: string, value: number | string): never => {
    throw new RangeError(`${problem}: expected ${what}, got ${value}`);
  };
  const { epochs, batchSize, learningRate, momentum, weightDecay } = settings;
  const { optimizer = "sgd", nesterov = false, proximal = 0 } = settings;
  if (!whole(epochs, 1)) wrong("a whole number of epochs from 1", epochs);
  if (!whole(batchSize, 0)) wrong("a batch size from 0, a whole number", batchSize);
  if (!(learningRate >= 0 && learningRate < Infinity)) {
    wrong("a learning rate from 0", learningRate);
  }
  if (!(momentum >= 0 && momentum < 1)) wrong("a momentum from 0 to below 1", momentum);
  if (!(weightDecay >= 0 && weightDecay < Infinity)) wrong("a weight decay from 0", weightDecay);
  if (optimizer !== "sgd" && optimizer !== "adam") {
    wrong("the optimizer sgd or adam", JSON.stringify(optimizer));
  }
  if (optimizer === "adam" && momentum > 0) wrong("a momentum of 0 with adam", momentum);
  if (nesterov && momentum === 0) wrong("a momentum above 0 with nesterov", momentum);
  if (!(proximal >= 0 && proximal < Infinity)) wrong("a proximal term from 0", proximal);
}

/** Throws a `RangeError` for a plan that is out of range or does not fit parameters of so many values. */
export function checkPlan(plan: TrainPlan, length: number): void {
  checkSettings(plan, "Cannot train");
  const { correction } = plan;
  if (correction === undefined) return;
  if (correction.length !== length) {
    throw new RangeError(
      `Cannot train: expected a correction of ${length} values, got ${correction.length}`,
    );
  }
  const { nonFinite } = stats(correction);
  if (nonFinite > 0) {
    throw new RangeError(
      `Cannot train: expected a correction of finite values, got ${nonFinite} that are not`,
    );
  }
}

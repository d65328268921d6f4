import type { TrainPlan } from "./handler.ts";

/** Throws a `RangeError` for a plan whose numbers are out of range. */
export function checkPlan(plan: TrainPlan): void {
  const whole = (value: number, least: number): boolean =>
    Number.isSafeInteger(value) && value >= least;
  const wrong = (what: string, value: number): never => {
    throw new RangeError(`Cannot train: expected ${what}, got ${value}`);
  };
  const { epochs, batchSize, learningRate, momentum, weightDecay } = plan;
  if (!whole(epochs, 1)) wrong("a whole number of epochs from 1", epochs);
  if (!whole(batchSize, 0)) wrong("a batch size from 0, a whole number", batchSize);
  if (!(learningRate >= 0 && learningRate < Infinity)) {
    wrong("a learning rate from 0", learningRate);
  }
  if (!(momentum >= 0 && momentum < 1)) wrong("a momentum from 0 to below 1", momentum);
  if (!(weightDecay >= 0 && weightDecay < Infinity)) wrong("a weight decay from 0", weightDecay);
}

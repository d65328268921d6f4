import type { TrainPlan } from "../../plan/train_plan.ts";

/** Makes a plan of one epoch of plain SGD, with the given changes. */
export function planOf(changes: Partial<TrainPlan> = {}): TrainPlan {
  return {
    round: 1,
    epochs: 1,
    batchSize: 10,
    learningRate: 0.05,
    momentum: 0,
    weightDecay: 0,
    keepMomentum: false,
    seed: 1,
    rank: 1,
    ...changes,
  };
}

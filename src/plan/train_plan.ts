/**
 * One client's training in one round.
 *
 * @module
 */

import { stats } from "../params/kernels.ts";
import type { ParameterVector } from "../params/manifest.ts";
import { checkClientChoices } from "./compatibility/client_choices.ts";
import { checkSettings, type TrainSettings } from "./settings.ts";

/** One client's training in one round: the run's settings, and the keys of its randomness. */
export interface TrainPlan extends TrainSettings {
  /** The round, from 1. */
  readonly round: number;
  /** The run's seed. */
  readonly seed: number;
  /** The client's rank; with the seed and the round it keys the order of batches. */
  readonly rank: number;
  /**
   * Vector added to the gradient in every step, laid out as the parameter vector; values that are
   * not trained are ignored. With `c - c_i` the client steps as in SCAFFOLD (Karimireddy et al.
   * 2020, equation 3), with `-h_i` and a proximal term as in FedDyn (Acar et al. 2021, equation 1).
   * It is never sent.
   *
   * @default {undefined} No correction.
   */
  readonly correction?: ParameterVector;
  /**
   * True where low-rank adapters may have a lower rank than the model's, with zeros in the place of
   * the rest. It is never sent.
   *
   * @default {false}
   */
  readonly lowerRanks?: boolean;
}

/** Constants of Adam, those of the paper. */
export const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

/** Reports whether a step is no more than `w -= learningRate * g`. */
export function isPlain(plan: TrainPlan): boolean {
  const { optimizer = "sgd", momentum, weightDecay, proximal = 0, correction } = plan;
  return optimizer === "sgd" && momentum === 0 && weightDecay === 0 && proximal === 0 &&
    correction === undefined;
}

/** Reports whether two plans have the same settings, round, seed and rank. */
export function isSamePlan(a: TrainPlan, b: TrainPlan): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof TrainPlan>;
  return [...names].every((name) => JSON.stringify(a[name]) === JSON.stringify(b[name]));
}

/**
 * Checks that a plan is in range and fits the model.
 *
 * @param length Number of values of the parameter vector.
 * @throws {RangeError} If a setting is out of range, or the correction has another length or
 * values that are not finite.
 */
export function checkPlan(plan: TrainPlan, length: number): void {
  checkSettings(plan, "Cannot train");
  checkClientChoices(plan);
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

/**
 * The rule `initial-loss`.
 *
 * @module
 */

import { CannotTrainError } from "../cannot_train.ts";
import { v } from "../deps.ts";
import type { Rule } from "./rule.ts";

/**
 * Settings of the rule `initial-loss`: the client first measures the loss of `x` on its training
 * data, as the figure `initialLoss`, which q-FedAvg needs.
 */
export interface InitialLossRule {
  /** Name of the rule. */
  readonly name: "initial-loss";
}

/** Rule of q-FedAvg: clients measure their loss before they train. */
export const initialLoss = {
  schema: v.strictObject({ name: v.literal("initial-loss") }),
  keepsState: false,
  takesControl: false,
  sendsGradient: false,
  needsStrategy: false,
  async train(_, client) {
    const { loss: initialLoss } = await client.evaluateTraining();
    if (!Number.isFinite(initialLoss)) {
      throw new CannotTrainError(
        `Cannot train on these parameters: their loss is ${initialLoss} before the first step`,
      );
    }
    const result = await client.train();
    return { ...result, metrics: { ...result.metrics, initialLoss } };
  },
} satisfies Rule<InitialLossRule>;

/**
 * The rule `gradient`.
 *
 * @module
 */

import { v } from "../deps.ts";
import type { Rule } from "./rule.ts";

/**
 * Settings of the rule `gradient`: the client does not train, and sends the gradient of the mean
 * loss over all of its data at `x` in a `GradientUpdate`.
 *
 * FedSGD, McMahan et al. 2017, section 2.
 */
export interface GradientRule {
  /** Name of the rule. */
  readonly name: "gradient";
}

/** Rule of FedSGD: clients send gradients and do not train. */
export const gradient = {
  schema: v.strictObject({ name: v.literal("gradient") }),
  keepsState: false,
  takesControl: false,
  sendsGradient: true,
  needsStrategy: true,
  async train(_, client) {
    const { gradient, ...figures } = await client.gradient();
    client.send(gradient);
    return { ...figures, steps: 0 };
  },
} satisfies Rule<GradientRule>;

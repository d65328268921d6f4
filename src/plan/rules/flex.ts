/**
 * The rule `flex`.
 *
 * @module
 */

import { v } from "../deps.ts";
import type { Rule } from "./rule.ts";

/**
 * Settings of the rule `flex`: a client may train low-rank adapters of a lower rank than the
 * model's, with zeros in the place of the rest (Bai et al. 2024).
 */
export interface FlexRule {
  /** Name of the rule. */
  readonly name: "flex";
}

/** Rule of FlexLoRA: clients may have adapters of a lower rank. */
export const flex = {
  schema: v.strictObject({ name: v.literal("flex") }),
  keepsState: false,
  takesControl: false,
  sendsGradient: false,
  needsStrategy: true,
  check(_, { tensors }) {
    const still = tensors.find(({ name, trainable }) => !trainable && name.endsWith("/lora_A"));
    if (still === undefined) return;
    throw new RangeError(
      `Cannot train by flex: expected adapters of which both matrices are trained (train AB), got ${still.name}, which stays`,
    );
  },
  async train(_, client) {
    return await client.train({ lowerRanks: true });
  },
} satisfies Rule<FlexRule>;

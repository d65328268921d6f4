/**
 * The rule `ditto`.
 *
 * @module
 */

import { fold, scale } from "../../params/kernels.ts";
import { v } from "../deps.ts";
import { finiteNumber } from "../schemas.ts";
import { checkFinite, type Rule } from "./rule.ts";

/**
 * Settings of the rule `ditto`: the client trains a model of its own beside the global one.
 *
 * Li et al. 2021, "Ditto: Fair and Robust Federated Learning Through Personalization": the gradient
 * of the client's own `v_i` has `λ (v_i - x)` added, and the client is evaluated by `v_i`, which
 * begins as the first `x`.
 */
export interface DittoRule {
  /** Name of the rule. */
  readonly name: "ditto";
  /** Strength λ of the pull to the global parameters, from 0. */
  readonly lambda: number;
}

/** Rule of Ditto: clients train a model of their own beside the global one. */
export const ditto = {
  schema: v.strictObject({ name: v.literal("ditto"), lambda: v.pipe(finiteNumber, v.minValue(0)) }),
  keepsState: true,
  takesControl: false,
  sendsGradient: false,
  needsStrategy: false,
  async train({ lambda }, client) {
    const { global } = client;
    const result = await client.train();
    client.send(client.parameters.slice());
    const own = client.own ?? global;
    // The pull is towards x, not towards where this training begins:
    // λ (v - x) = λ (v - v_0) + λ (v_0 - x).
    const correction = own.slice();
    fold(correction, global, -1);
    scale(correction, lambda);
    checkFinite(correction, "the pull of Ditto");
    client.parameters = own;
    await client.train({ proximal: client.proximal + lambda, correction });
    client.keep(client.parameters.slice());
    return result;
  },
  beforeEvaluate(_, client) {
    if (client.own) client.parameters = client.own;
  },
} satisfies Rule<DittoRule>;

/**
 * The rule `feddyn`.
 *
 * @module
 */

import { difference, fold, scale } from "../../params/kernels.ts";
import { v } from "../deps.ts";
import { finiteNumber } from "../schemas.ts";
import { checkFinite, type Rule } from "./rule.ts";

/**
 * Settings of the rule `feddyn`: the client lowers a loss that is regularized dynamically.
 *
 * Acar et al. 2021, "Federated Learning Based on Dynamic Regularization": adds `α (y - x) - h_i` to
 * every gradient, then `h_i ← h_i - α (y - x)`. `h_i` stays on the client and begins as 0.
 */
export interface FedDynRule {
  /** Name of the rule. */
  readonly name: "feddyn";
  /** Strength α of the pull to the global parameters, above 0. */
  readonly alpha: number;
}

/** Rule of FedDyn: clients regularize their losses dynamically. */
export const feddyn = {
  schema: v.strictObject({ name: v.literal("feddyn"), alpha: v.pipe(finiteNumber, v.gtValue(0)) }),
  keepsState: true,
  takesControl: false,
  sendsGradient: false,
  needsStrategy: true,
  async train({ alpha }, client) {
    const { global, own } = client;
    const next = own?.slice() ?? new Float32Array(global.length);
    const correction = next.slice();
    scale(correction, -1);
    const proximal = client.proximal + alpha;
    const result = await client.train({ proximal, correction });
    const moved = correction;
    difference(client.parameters, global, moved);
    fold(next, moved, -alpha);
    checkFinite(next, "what the client keeps for FedDyn");
    client.keep(next);
    return result;
  },
} satisfies Rule<FedDynRule>;

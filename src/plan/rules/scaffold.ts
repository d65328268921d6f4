/**
 * The rule `scaffold`.
 *
 * @module
 */

import { difference, fold, scale } from "../../params/kernels.ts";
import { v } from "../deps.ts";
import { checkFinite, type Rule } from "./rule.ts";

/**
 * Settings of the rule `scaffold`: the client corrects its steps by control variates.
 *
 * Karimireddy et al. 2020, "SCAFFOLD", option II of algorithm 1: adds `c - c_i` to every gradient,
 * then `c_i ← c_i - c + (x - y) / (K η)`. The server sends `c`; `c_i` stays on the client and
 * begins as 0. The client takes plain SGD.
 */
export interface ScaffoldRule {
  /** Name of the rule. */
  readonly name: "scaffold";
}

/** Rule of SCAFFOLD: clients correct their steps by control variates. */
export const scaffold = {
  schema: v.strictObject({ name: v.literal("scaffold") }),
  keepsState: true,
  takesControl: true,
  sendsGradient: false,
  needsStrategy: true,
  async train(_, client) {
    const { global, own } = client;
    const correction = client.control.slice();
    if (own) fold(correction, own, -1);
    checkFinite(correction, "the server's control variate less the client's own");
    const result = await client.train({ correction });
    const moved = new Float32Array(global.length);
    difference(global, client.parameters, moved);
    // c_i - c is the correction's opposite.
    scale(correction, -1);
    fold(correction, moved, 1 / (result.steps * client.learningRate));
    checkFinite(correction, "the client's own control variate");
    client.keep(correction);
    return result;
  },
} satisfies Rule<ScaffoldRule>;

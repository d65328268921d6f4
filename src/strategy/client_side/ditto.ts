/**
 * Averaging beside a model of each client's own.
 *
 * @module
 */

import { checked } from "../check.ts";
import { type ClientSideOptions, ClientSideStrategy } from "./client_side.ts";

export type { DittoRule } from "../../plan/rules/ditto.ts";

/** Options of {@linkcode Ditto}. */
export interface DittoOptions extends ClientSideOptions {
  /**
   * Strength λ of the pull of a client's own model to the global one, from 0.
   *
   * @default {0.1}
   */
  lambda?: number;
}

/**
 * Federated averaging beside a model of each client's own, which stays near the global one (Ditto).
 *
 * Li et al. 2021, "Ditto: Fair and Robust Federated Learning Through Personalization", algorithm 1:
 * besides its update each client minimizes `F_k(v_k) + (λ/2) ‖v_k - w^t‖²`, starting from its last
 * `v_k`, by the round's plan. Clients are evaluated by their `v_k`, which never leave them.
 *
 * @example
 * ```ts
 * import { Ditto } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new Ditto({ lambda: 1 }).clientSettings, { rule: { name: "ditto", lambda: 1 } });
 * ```
 */
export class Ditto extends ClientSideStrategy {
  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor({ lambda = 0.1, ...options }: DittoOptions = {}) {
    checked("ditto", "lambda", lambda, { least: 0 });
    super("ditto", { rule: { name: "ditto", lambda } }, options);
  }
}

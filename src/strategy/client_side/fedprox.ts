/**
 * Averaging with a proximal term on the clients.
 *
 * @module
 */

import { checked } from "../check.ts";
import { type ClientSideOptions, ClientSideStrategy } from "./client_side.ts";

/** Options of {@linkcode FedProx}. */
export interface FedProxOptions extends ClientSideOptions {
  /**
   * Strength μ of the pull, from 0. If the plan has a `proximal` too, the two must be equal.
   *
   * @default {undefined} The `proximal` of the plan if that is above 0, else 0.01.
   */
  mu?: number;
}

/**
 * Federated averaging whose clients stay near the global parameters (FedProx).
 *
 * Li et al. 2020, "Federated Optimization in Heterogeneous Networks", equation 2: each client
 * minimizes `F_k(w) + (μ/2) ‖w - w^t‖²`. With μ = 0 the result is that of FedAvg bit for bit.
 *
 * @example
 * ```ts
 * import { FedProx } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new FedProx({ mu: 0.1 }).clientSettings, { proximal: 0.1 });
 * ```
 */
export class FedProx extends ClientSideStrategy {
  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor({ mu, ...options }: FedProxOptions = {}) {
    const settings = mu === undefined
      ? { defaults: { proximal: 0.01 } }
      : { proximal: checked("fedprox", "mu", mu, { least: 0 }) };
    super("fedprox", settings, options);
  }
}

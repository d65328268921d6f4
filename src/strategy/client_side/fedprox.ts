/**
 * Averaging with a proximal term on the clients.
 *
 * @module
 */

import { checked } from "../check.ts";
import { type ClientSideOptions, ClientSideStrategy } from "./client_side.ts";

/** How {@linkcode FedProx} pulls. */
export interface FedProxOptions extends ClientSideOptions {
  /** Strength μ of the pull, from 0. Default: the plan's `proximal` when that is above 0, else 0.01. With both they have to be the same. */
  mu?: number;
}

/**
 * Federated averaging whose clients are held near the global parameters (FedProx).
 *
 * Li et al. 2020, "Federated Optimization in Heterogeneous Networks", equation 2: each client lowers `F_k(w) + (μ/2) ‖w - w^t‖²`. With μ = 0 it is
 * FedAvg bit for bit.
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
  /** Throws a `RangeError` for an option out of range. */
  constructor({ mu, ...options }: FedProxOptions = {}) {
    const settings = mu === undefined
      ? { defaults: { proximal: 0.01 } }
      : { proximal: checked("fedprox", "mu", mu, { least: 0 }) };
    super("fedprox", settings, options);
  }
}

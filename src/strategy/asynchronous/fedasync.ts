/**
 * Asynchronous federated optimization.
 *
 * @module
 */

import { isInRange, SHARE } from "../../base/check.ts";
import { blend } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { checked } from "../check.ts";
import type { AsyncStrategy, AsyncUpdate } from "./async_strategy.ts";
import { polynomialStaleness, type StalenessFunction } from "./staleness.ts";

/** Options of {@linkcode FedAsync}. */
export interface FedAsyncOptions {
  /**
   * Share α of a fresh update in the new version, above 0 and at most 1.
   *
   * @default {0.6}
   */
  alpha?: number;
  /**
   * Function by which the share falls with an update's staleness.
   *
   * @default {polynomialStaleness(0.5)}
   */
  staleness?: StalenessFunction;
}

/**
 * Mixes each update into the model as it arrives (FedAsync).
 *
 * Xie, Koyejo, Gupta 2019, "Asynchronous Federated Optimization", algorithm 1:
 * `w ← (1 - α_t) w + α_t w_new` with `α_t = α · s(t - τ)`. Here `t - τ` is the number of versions
 * made since the client received its parameters, 0 for a fresh update, so that `s(0) = 1`. Every
 * update makes a version, whatever its number of samples. The paper's regularization on the clients
 * is the plan's `proximal`.
 *
 * @example
 * ```ts
 * import { FedAsync } from "@fedlab/core";
 * import { polynomialStaleness } from "@fedlab/core/strategy";
 * import { assertEquals } from "@std/assert";
 *
 * const strategy = new FedAsync({ alpha: 0.5, staleness: polynomialStaleness(1) });
 * const base = new Float32Array([0]), global = base.slice();
 * const update = { rank: 1, parameters: new Float32Array([8]), numSamples: 1, base };
 * strategy.accept(global, { ...update, staleness: 0 });
 * assertEquals([...global], [4]);
 * strategy.accept(global, { ...update, staleness: 1 });
 * assertEquals([...global], [5]);
 * ```
 */
export class FedAsync implements AsyncStrategy {
  /** Name in reports. */
  readonly name = "fedasync";
  /** Number of updates that make a version: every one does. */
  readonly updatesPerVersion = 1;
  /** Number of working vectors: none. */
  readonly workingVectors = 0;
  readonly #alpha: number;
  readonly #staleness: StalenessFunction;

  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor({ alpha = 0.6, staleness = polynomialStaleness() }: FedAsyncOptions = {}) {
    this.#alpha = checked("fedasync", "alpha", alpha, { above: 0 });
    if (alpha > 1) {
      throw new RangeError(`Cannot make fedasync: expected alpha to be at most 1, got ${alpha}`);
    }
    this.#staleness = staleness;
  }

  /**
   * Mixes the update in.
   *
   * @throws {RangeError} If the staleness function gives no weight above 0 and at most 1.
   */
  accept(global: ParameterVector, { parameters, staleness }: AsyncUpdate): boolean {
    const weight = this.#staleness(staleness);
    if (!isInRange(weight, SHARE)) {
      throw new RangeError(
        `Cannot aggregate by fedasync: expected a weight above 0 and at most 1 of staleness ${staleness}, got ${weight}`,
      );
    }
    blend(global, parameters, this.#alpha * weight);
    return true;
  }
}

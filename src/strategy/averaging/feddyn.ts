/**
 * Averaging with dynamic regularization.
 *
 * @module
 */

import { difference, fold } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { checked } from "../check.ts";
import type { ClientSettings, RoundInfo, StrategyState } from "../strategy.ts";
import { SumStrategy } from "../sums/sum_strategy.ts";
import type { SumRound, SumShape } from "../sums/sums.ts";
import { sparing } from "../untrained.ts";
import { needInfo, restoredVector, savedVector, workingVector } from "../working.ts";

export type { FedDynRule } from "../../plan/rules/feddyn.ts";

/** Options of {@linkcode FedDyn}. */
export interface FedDynOptions {
  /**
   * Strength α of the pull, above 0; the paper takes 0.1, 0.01 or 0.001.
   *
   * @default {0.01}
   */
  alpha?: number;
}

/**
 * Averaging whose clients regularize their losses dynamically, so that their optima meet at the
 * optimum of all (FedDyn).
 *
 * Acar et al. 2021, "Federated Learning Based on Dynamic Regularization", algorithm 1, where P are
 * those of m clients that answer: `h ← h - (α/m) Σ_P (θ_k - θ)`, `θ ← mean_P θ_k - h / α`. The
 * clients' part is the rule `feddyn`. The number of samples of a client does not count. A client
 * that is started again has lost its `h_k`.
 *
 * @example
 * ```ts
 * import { DEFAULT_PLAN, FedDyn } from "@fedlab/core";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const info = { round: 1, numClients: 4, plan: DEFAULT_PLAN };
 * const round = new FedDyn({ alpha: 0.1 }).begin(new Float32Array([0]), info);
 * round.accept({ rank: 1, parameters: new Float32Array([2]), numSamples: 9 });
 * assertAlmostEquals(round.finish()[0] ?? NaN, 2 + 2 / 4, 1e-6);
 * ```
 */
export class FedDyn extends SumStrategy {
  /** Name in reports. */
  override readonly name = "feddyn";
  /** Number of working vectors: the mean, the server's h, and room for a difference. */
  override readonly workingVectors = 3;
  /** The mean, in which each client counts once. */
  override readonly sums: SumShape = { vectors: { mean: "mean" } };
  /** Settings of the clients: the rule `feddyn`. */
  readonly clientSettings: ClientSettings;
  readonly #alpha: number;
  #moved: ParameterVector | undefined;
  #h: ParameterVector | undefined;

  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor({ alpha = 0.01 }: FedDynOptions = {}) {
    super();
    this.#alpha = checked("feddyn", "alpha", alpha, { above: 0 });
    this.clientSettings = { rule: { name: "feddyn", alpha } };
  }

  /** Strategy of the registry whose updates count in the same way. */
  get contributor(): string | undefined {
    return "feddyn";
  }

  /**
   * Opens a round.
   *
   * @throws {TypeError} If nothing is known of the round.
   * @throws {RangeError} If a restored h is not as long as the global vector.
   */
  override sumRound(global: ParameterVector, info?: RoundInfo): SumRound {
    const { numClients, untrained } = needInfo(this.name, info);
    const moved = this.#moved = workingVector(this.#moved, global);
    const h = this.#h = restoredVector(this.name, "h", this.#h, global);
    return {
      contribution: ({ parameters }) => ({ terms: { mean: { vector: parameters, weight: 1 } } }),
      finish: (sums) => {
        const mean = sums.vector("mean");
        difference(mean, global, moved);
        fold(h, moved, -this.#alpha * sums.count / numClients);
        sparing(untrained, mean, () => fold(mean, h, -1 / this.#alpha));
        return mean;
      },
    };
  }

  /** Gives the server's h. */
  save(): StrategyState {
    return this.#h ? { vectors: { h: this.#h } } : {};
  }

  /**
   * Restores h.
   *
   * @throws {TypeError} If the state has no such vector.
   * @throws {RangeError} If it is not finite.
   */
  restore({ vectors }: StrategyState): void {
    this.#h = vectors && savedVector(this.name, "h", vectors);
  }
}

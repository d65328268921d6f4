/**
 * Normalized averaging.
 *
 * @module
 */

import { blend } from "../params/kernels.ts";
import type { ParameterVector } from "../params/manifest.ts";
import { checked } from "./_check.ts";
import { workingVector } from "./_working.ts";
import type { ClientUpdate, Strategy, StrategyRound } from "./strategy.ts";

/** How {@linkcode FedNova} weighs. */
export interface FedNovaOptions {
  /** Momentum ρ of the clients' SGD, from 0 to below 1, begun afresh in each round. Default 0. */
  momentum?: number;
}

/**
 * Normalized averaging (FedNova): a client that takes more steps than others does not draw the model towards its own optimum.
 *
 * Wang et al. 2020, "Tackling the Objective Inconsistency Problem in Heterogeneous Federated Optimization", equations 6 and 11:
 * `w ← w + τ_eff Σ p_k (w_k - w) / a_k`, with `p_k = n_k / n` by samples and `τ_eff = Σ p_k a_k`. Here `a_k` is the number of steps
 * τ of plain SGD, and `(τ - ρ (1 - ρ^τ) / (1 - ρ)) / (1 - ρ)` with momentum ρ.
 *
 * When all take as many steps, it is FedAvg bit for bit. An update must have `steps`.
 *
 * @example
 * ```ts
 * import { FedNova } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const round = new FedNova().begin(new Float32Array(1));
 * round.accept({ rank: 1, parameters: new Float32Array([1]), numSamples: 1, steps: 1 });
 * round.accept({ rank: 2, parameters: new Float32Array([9]), numSamples: 1, steps: 3 });
 * assertEquals([...round.finish()], [2 * (1 / 1 + 9 / 3) / 2]);
 * ```
 */
export class FedNova implements Strategy {
  /** `"fednova"`. */
  readonly name = "fednova";
  /** One: the mean as it grows. */
  readonly workingVectors = 1;
  /** It may step past the mean. */
  readonly extrapolates = true;
  readonly #momentum: number;
  #mean: ParameterVector | undefined;

  /** Throws a `RangeError` for an option out of range. */
  constructor({ momentum = 0 }: FedNovaOptions = {}) {
    this.#momentum = checked("fednova", "momentum", momentum, { least: 0, below: 1 });
  }

  /** Throws a `RangeError` for an update without a whole number of steps from 1. */
  check({ rank, steps = NaN }: ClientUpdate): void {
    if (Number.isSafeInteger(steps) && steps >= 1) return;
    throw new RangeError(
      `Cannot aggregate the update of rank ${rank} by fednova: expected a whole number of steps from 1, got ${
        Number.isNaN(steps) ? "none" : steps
      }`,
    );
  }

  /** Opens a round. */
  begin(global: ParameterVector): StrategyRound {
    const mean = this.#mean = workingVector(this.#mean, global);
    let first = 0;
    const total = { samples: 0, weights: 0, lengths: 0 };
    return {
      accept: (update) => {
        this.check(update);
        const { parameters, numSamples, steps = NaN } = update;
        const length = this.#length(steps);
        first ||= length;
        // Lengths in terms of the first one: where all are equal, every number here is as in FedAvg.
        const weight = numSamples / (length / first);
        total.samples += numSamples;
        total.weights += weight;
        total.lengths += numSamples * (length / first);
        blend(mean, parameters, weight / total.weights);
      },
      finish: () => {
        if (total.samples === 0) return global;
        const step = total.lengths * total.weights / total.samples ** 2;
        blend(mean, global, 1 - step);
        return mean;
      },
    };
  }

  /** How long the way is that so many steps of size 1 go together: the norm ‖a‖₁ of the paper. */
  #length(steps: number): number {
    const rho = this.#momentum;
    return (steps - rho * (1 - rho ** steps) / (1 - rho)) / (1 - rho);
  }
}

/**
 * Federated averaging.
 *
 * @module
 */

import { blend } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { ClientUpdate, Strategy, StrategyRound } from "../strategy.ts";
import { workingVector } from "../working.ts";

/**
 * Weighted mean of the cohort's parameters, by number of samples (FedAvg).
 *
 * McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized Data",
 * algorithm 1: `w = Σ (n_k / n) w_k`. The mean is updated with each client,
 * `m += (n_k / (n_1 + … + n_k)) (w_k - m)`. This is the same sum, needs one vector whatever the
 * number of clients, and returns the parameters of a single client bit for bit.
 *
 * @example A round of two clients
 * ```ts
 * import { FedAvg } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const round = new FedAvg().begin(new Float32Array([0, 0]));
 * round.accept({ rank: 1, parameters: new Float32Array([1, 2]), numSamples: 1 });
 * round.accept({ rank: 2, parameters: new Float32Array([4, 8]), numSamples: 2 });
 * assertEquals(round.finish(), new Float32Array([3, 6]));
 * ```
 */
export class FedAvg implements Strategy {
  /** Name in reports. */
  readonly name = "fedavg";
  /** Number of working vectors: the mean as it grows. */
  readonly workingVectors = 1;
  #mean: ParameterVector | undefined;

  /** Opens a round; the next one uses the memory of its mean again. */
  begin(global: ParameterVector): StrategyRound {
    const mean = this.#mean = workingVector(this.#mean, global);
    let total = 0;
    return {
      accept({ parameters, numSamples }: ClientUpdate): void {
        total += numSamples;
        blend(mean, parameters, numSamples / total);
      },
      finish: () => total === 0 ? global : mean,
    };
  }
}

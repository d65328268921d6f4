/**
 * Federated averaging.
 *
 * @module
 */

import { SumStrategy } from "../sums/sum_strategy.ts";
import type { SumRound, SumShape } from "../sums/sums.ts";

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
export class FedAvg extends SumStrategy {
  /** Name in reports. */
  override readonly name = "fedavg";
  /** Number of working vectors: the mean as it grows. */
  override readonly workingVectors = 1;
  /** The mean by number of samples. */
  override readonly sums: SumShape = { vectors: { mean: "mean" } };

  /** Strategy of the registry whose updates count in the same way. */
  get contributor(): string | undefined {
    return "fedavg";
  }

  /** Opens a round: an update counts by its number of samples. */
  override sumRound(): SumRound {
    return {
      contribution: ({ parameters, numSamples }) => ({
        terms: { mean: { vector: parameters, weight: numSamples } },
      }),
      finish: (sums) => sums.vector("mean"),
    };
  }
}

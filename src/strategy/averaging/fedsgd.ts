/**
 * Federated stochastic gradient descent.
 *
 * @module
 */

import { fold, scale } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { checked } from "../check.ts";
import type { ClientSettings, RoundInfo } from "../strategy.ts";
import { SumStrategy } from "../sums/sum_strategy.ts";
import type { SumRound, SumShape } from "../sums/sums.ts";
import { copySpans } from "../untrained.ts";

export type { GradientRule } from "../../plan/rules/gradient.ts";

const DEFAULT_LEARNING_RATE = 0.1;

/** Options of {@linkcode FedSGD}. */
export interface FedSGDOptions {
  /**
   * Step size η, above 0.
   *
   * @default {undefined} The learning rate of the plan, or 0.1 without a plan.
   */
  learningRate?: number;
}

/**
 * One step on the cohort's mean gradient (FedSGD).
 *
 * McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized Data",
 * section 2: `w ← w - η Σ (n_k / n) g_k`, with `g_k` the gradient of the mean loss over all of a
 * client's data. Clients do not train: by the rule `gradient` they send `g_k` as the update's
 * `parameters`. Up to rounding, this is FedAvg of one epoch of plain SGD on all of the data at
 * once. The plan's epochs and batch size are not used, and values that no gradient trains, such as
 * BatchNorm's moving statistics, do not change.
 *
 * As the `mean` of a {@linkcode ServerOptimizer} with η = 1 it gives a gradient step of that
 * optimizer.
 *
 * @example
 * ```ts
 * import { FedSGD } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const round = new FedSGD({ learningRate: 0.5 }).begin(new Float32Array([1, 1]));
 * round.accept({ rank: 1, parameters: new Float32Array([2, 0]), numSamples: 3 });
 * round.accept({ rank: 2, parameters: new Float32Array([-2, 4]), numSamples: 1 });
 * assertEquals(round.finish(), new Float32Array([0.5, 0.5]));
 * ```
 */
export class FedSGD extends SumStrategy {
  /** Name in reports. */
  override readonly name = "fedsgd";
  /** Settings of the clients: the rule `gradient`. */
  readonly clientSettings: ClientSettings = { rule: { name: "gradient" } };
  /** Number of working vectors: the mean gradient as it grows. */
  override readonly workingVectors = 1;
  /** The mean gradient. */
  override readonly sums: SumShape = { vectors: { mean: "mean" } };
  readonly #learningRate: number | undefined;

  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor({ learningRate }: FedSGDOptions = {}) {
    super();
    this.#learningRate = learningRate === undefined
      ? undefined
      : checked("fedsgd", "learningRate", learningRate, { above: 0 });
  }

  /** `true` if the strategy was made with a learning rate. */
  get fixesLearningRate(): boolean {
    return this.#learningRate !== undefined;
  }

  /** Strategy of the registry whose updates count in the same way. */
  get contributor(): string | undefined {
    return "fedsgd";
  }

  /** Opens a round: a gradient counts by its number of samples. */
  override sumRound(global: ParameterVector, info?: RoundInfo): SumRound {
    const learningRate = this.#learningRate ?? info?.plan.learningRate ?? DEFAULT_LEARNING_RATE;
    return {
      contribution: ({ parameters, numSamples }) => ({
        terms: { mean: { vector: parameters, weight: numSamples } },
      }),
      finish: (sums) => {
        const mean = sums.vector("mean");
        scale(mean, -learningRate);
        fold(mean, global, 1);
        copySpans(info?.untrained, global, mean);
        return mean;
      },
    };
  }
}

/**
 * Normalized averaging.
 *
 * @module
 */

import { blend } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import { checked, checkSame, checkSteps } from "../check.ts";
import type { ClientUpdate, RoundInfo } from "../strategy.ts";
import { SumStrategy } from "../sums/sum_strategy.ts";
import type { SumRound, SumShape } from "../sums/sums.ts";
import { sparing } from "../untrained.ts";

/** Options of {@linkcode FedNova}. */
export interface FedNovaOptions {
  /**
   * Momentum ρ of the clients' SGD, from 0 to below 1, which starts anew in each round. It must
   * equal that of the clients' settings.
   *
   * @default {undefined} The momentum of the clients' settings.
   */
  momentum?: number;
}

/**
 * Normalized averaging (FedNova): a client that takes more steps than others does not draw the
 * model towards its own optimum.
 *
 * Wang et al. 2020, "Tackling the Objective Inconsistency Problem in Heterogeneous Federated
 * Optimization", equations 6 and 11: `w ← w + τ_eff Σ p_k (w_k - w) / a_k`, with `p_k = n_k / n` by
 * samples and `τ_eff = Σ p_k a_k`. Here `a_k` is the number of steps τ of plain SGD,
 * `(τ - ρ (1 - ρ^τ) / (1 - ρ)) / (1 - ρ)` with momentum ρ, and `(1 - (1 - η μ)^τ) / (η μ)` with a
 * proximal term μ and learning rate η.
 *
 * If all clients take the same number of steps, the result is that of FedAvg: bit for bit with a
 * running mean, and up to rounding with exact sums. An update must have `steps`. Values that no
 * gradient trains are the mean by `p_k / a_k`.
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
export class FedNova extends SumStrategy {
  /** Name in reports. */
  override readonly name = "fednova";
  /** Number of working vectors: the mean as it grows. */
  override readonly workingVectors = 1;
  /** The mean by `n_k / a_k`, and the sums of `n_k` and of `n_k a_k`. */
  override readonly sums: SumShape = {
    vectors: { mean: "mean" },
    figures: ["samples", "lengths"],
  };
  /** `true`: the number of steps decides how much an update counts. */
  readonly countsSteps = true;
  /** `true`: an update is divided by the length of its steps. */
  readonly normalizesSteps = true;
  readonly #momentum: number | undefined;

  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor({ momentum }: FedNovaOptions = {}) {
    super();
    this.#momentum = momentum === undefined
      ? undefined
      : checked("fednova", "momentum", momentum, { least: 0, below: 1 });
  }

  /**
   * Checks the clients' momentum.
   *
   * @throws {RangeError} If it is not the given one.
   */
  checkPlan({ momentum }: TrainSettings): void {
    checkSame(this.name, "momentum", this.#momentum, momentum);
  }

  /**
   * Checks that an update tells its number of steps.
   *
   * @throws {RangeError} If it is not a whole number from 1.
   */
  check(update: ClientUpdate): void {
    checkSteps(this.name, update);
  }

  /** Strategy of the registry whose updates count in the same way. */
  get contributor(): string | undefined {
    return this.#momentum === undefined ? "fednova" : `fednova:momentum=${this.#momentum}`;
  }

  /** Opens a round: an update counts by `n_k / a_k`. */
  override sumRound(global: ParameterVector, info?: RoundInfo): SumRound {
    const { learningRate = 0, momentum = 0, proximal = 0 } = info?.plan ?? {};
    const kind = { momentum: this.#momentum ?? momentum, shrinkage: learningRate * proximal };
    // Lengths relative to that of the first update: if all are equal, every number here is as in
    // FedAvg. Exact sums must not depend on which update is the first.
    let first = info?.aggregation === "exact" ? 1 : 0;
    return {
      contribution: (update) => {
        this.check(update);
        const { parameters, numSamples, steps = NaN } = update;
        const length = lengthOf(steps, kind);
        first ||= length;
        return {
          terms: { mean: { vector: parameters, weight: numSamples / (length / first) } },
          figures: { samples: numSamples, lengths: numSamples * (length / first) },
        };
      },
      finish: (sums) => {
        const mean = sums.vector("mean");
        const step = sums.figure("lengths") * sums.weight("mean") / sums.figure("samples") ** 2;
        sparing(info?.untrained, mean, () => blend(mean, global, 1 - step));
        return mean;
      },
    };
  }
}

/** Gives the total length of steps of size 1: the norm ‖a‖₁ of the paper. */
function lengthOf(
  steps: number,
  { momentum: rho, shrinkage }: { momentum: number; shrinkage: number },
): number {
  return shrinkage > 0
    ? -Math.expm1(steps * Math.log1p(-shrinkage)) / shrinkage
    : (steps - rho * (1 - rho ** steps) / (1 - rho)) / (1 - rho);
}

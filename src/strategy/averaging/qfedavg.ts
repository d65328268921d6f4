/**
 * Averaging in favour of clients with high loss.
 *
 * @module
 */

import { blend, squaredDistance } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import { checked, checkSame } from "../check.ts";
import type { ClientSettings, ClientUpdate, RoundInfo } from "../strategy.ts";
import { SumStrategy } from "../sums/sum_strategy.ts";
import type { SumRound, SumShape } from "../sums/sums.ts";
import { sparing } from "../untrained.ts";

export type { InitialLossRule } from "../../plan/rules/initial_loss.ts";

/** Smallest loss that counts: 0 has no power below 0. */
const LEAST_LOSS = 1e-10;
/** Largest weight of a client: beyond it the sums could become infinite. */
const MOST_WEIGHT = 1e100;
/** Learning rate of the default plan, for rounds without a plan. */
const DEFAULT_LEARNING_RATE = 0.1;

/** Options of {@linkcode QFedAvg}. */
export interface QFedAvgOptions {
  /**
   * Strength q of fairness, from 0.
   *
   * @default {0.2}
   */
  q?: number;
  /**
   * The clients' learning rate, above 0, from which the paper takes the Lipschitz constant
   * L = 1 / learningRate. It must equal that of the clients' settings.
   *
   * @default {undefined} The learning rate of the clients' settings.
   */
  learningRate?: number;
}

/**
 * Averaging in favour of the clients with high loss (q-FedAvg).
 *
 * Li et al. 2020, "Fair Resource Allocation in Federated Learning", algorithm 2: with F the
 * client's loss on the global vector, `Δw = L (w - w_k)`, `Δ_k = F^q Δw` and
 * `h_k = q F^(q-1) ‖Δw‖² + L F^q`, the step is `w ← w - Σ Δ_k / Σ h_k`.
 *
 * The number of samples of a client does not count. With q = 0 the result is the plain mean: bit
 * for bit that of FedAvg for clients with equally many samples. Values that no gradient trains are
 * the mean by `F^q`. An update must have the metric `initialLoss`: the client's mean loss on the
 * global vector, before it trains.
 *
 * @example
 * ```ts
 * import { QFedAvg } from "@fedlab/core";
 * import { assert } from "@std/assert";
 *
 * const round = new QFedAvg({ q: 1, learningRate: 10 }).begin(new Float32Array(1));
 * const update = (rank: number, value: number, initialLoss: number) => ({
 *   rank,
 *   parameters: new Float32Array([value]),
 *   numSamples: 1,
 *   metrics: { initialLoss },
 * });
 * round.accept(update(1, 1, 0.1));
 * round.accept(update(2, -1, 5));
 * assert((round.finish()[0] ?? NaN) < -0.5);
 * ```
 */
export class QFedAvg extends SumStrategy {
  /** Name in reports. */
  override readonly name = "qfedavg";
  /** Number of working vectors: the mean as it grows. */
  override readonly workingVectors = 1;
  /** The mean by `F^q`, and the sum of `h_k / L`. */
  override readonly sums: SumShape = { vectors: { mean: "mean" }, figures: ["steps"] };
  /** Settings of the clients: the rule `initial-loss`. */
  readonly clientSettings: ClientSettings = { rule: { name: "initial-loss" } };
  readonly #q: number;
  readonly #learningRate: number | undefined;

  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor({ q = 0.2, learningRate }: QFedAvgOptions = {}) {
    super();
    this.#q = checked("qfedavg", "q", q, { least: 0 });
    this.#learningRate = learningRate === undefined
      ? undefined
      : checked("qfedavg", "learningRate", learningRate, { above: 0 });
  }

  /** `true` if the strategy was made with a learning rate. */
  get fixesLearningRate(): boolean {
    return this.#learningRate !== undefined;
  }

  /**
   * Checks the clients' learning rate.
   *
   * @throws {RangeError} If it is 0, or not the given one.
   */
  checkPlan({ learningRate }: TrainSettings): void {
    checkSame(this.name, "learningRate", this.#learningRate, learningRate);
    if (learningRate > 0) return;
    throw new RangeError(
      `Cannot train by qfedavg: expected a learning rate above 0, got ${learningRate}`,
    );
  }

  /**
   * Checks the metric `initialLoss` of an update.
   *
   * @throws {RangeError} If it is missing or below 0, or its power q is above 1e100.
   */
  check({ rank, metrics }: ClientUpdate): void {
    const loss = metrics?.initialLoss;
    if (loss !== undefined && loss >= 0 && loss ** this.#q <= MOST_WEIGHT) return;
    const wanted = loss !== undefined && loss >= 0
      ? `whose power q = ${this.#q} is at most ${MOST_WEIGHT}`
      : "a number from 0";
    throw new RangeError(
      `Cannot aggregate the update of rank ${rank} by qfedavg: expected the metric initialLoss, ${wanted}, got ${
        loss ?? "none"
      }`,
    );
  }

  /** Strategy of the registry whose updates count in the same way. */
  get contributor(): string | undefined {
    return `qfedavg:q=${this.#q}${
      this.#learningRate === undefined ? "" : `,learningRate=${this.#learningRate}`
    }`;
  }

  /** Opens a round: an update counts by `F^q`. */
  override sumRound(global: ParameterVector, info?: RoundInfo): SumRound {
    const lipschitz = 1 / (this.#learningRate ?? info?.plan.learningRate ?? DEFAULT_LEARNING_RATE);
    const q = this.#q;
    return {
      contribution: (update) => {
        this.check(update);
        const { parameters, metrics } = update;
        const loss = Math.max(LEAST_LOSS, metrics?.initialLoss ?? NaN);
        const weight = loss ** q;
        // This is h_k / L: one L of the square of Δw remains.
        const steps = weight + (q === 0 ? 0 : q * loss ** (q - 1) * lipschitz *
          squaredDistance(parameters, global));
        return { terms: { mean: { vector: parameters, weight } }, figures: { steps } };
      },
      finish: (sums) => {
        const mean = sums.vector("mean");
        const step = sums.weight("mean") / sums.figure("steps");
        sparing(info?.untrained, mean, () => blend(mean, global, 1 - step));
        return mean;
      },
    };
  }
}

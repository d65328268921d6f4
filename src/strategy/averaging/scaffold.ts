/**
 * Averaging with control variates.
 *
 * @module
 */

import { blend, difference, fold, scale } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { checked, checkSteps } from "../check.ts";
import type { ClientSettings, ClientUpdate, RoundInfo, StrategyState } from "../strategy.ts";
import { SumStrategy } from "../sums/sum_strategy.ts";
import type { SumRound, SumShape } from "../sums/sums.ts";
import { sparing } from "../untrained.ts";
import { needInfo, restoredVector, savedVector, workingVector } from "../working.ts";

export type { ScaffoldRule } from "../../plan/rules/scaffold.ts";

/** Options of {@linkcode Scaffold}. */
export interface ScaffoldOptions {
  /**
   * Step size η_g of the server, above 0. The default is the paper's.
   *
   * @default {1}
   */
  learningRate?: number;
}

/**
 * Averaging whose clients correct their steps by those of all clients, so that they do not drift to
 * their own optima (SCAFFOLD).
 *
 * Karimireddy et al. 2020, "SCAFFOLD: Stochastic Controlled Averaging for Federated Learning",
 * algorithm 1 with option II: `x ← x + η_g mean(y_i - x)` and `c ← c + (S/N) mean(Δc_i)`, where S
 * of N clients answer. The clients' part is the rule `scaffold`. The server computes
 * `Δc_i = (x - y_i) / (K_i η) - c` itself, so an update is as long as in FedAvg, but the server
 * sends twice as much. The number of samples of a client does not count.
 *
 * The clients take plain SGD. A client that is started again has lost its `c_i`.
 *
 * @example
 * ```ts
 * import { DEFAULT_PLAN, Scaffold } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const strategy = new Scaffold();
 * const plan = { ...DEFAULT_PLAN, learningRate: 0.5 };
 * const round = strategy.begin(new Float32Array([0]), { round: 1, numClients: 4, plan });
 * round.accept({ rank: 1, parameters: new Float32Array([-2]), numSamples: 9, steps: 4 });
 * assertEquals([...round.finish()], [-2]);
 * assertEquals([...strategy.control ?? []], [2 / (4 * 0.5) / 4]);
 * ```
 */
export class Scaffold extends SumStrategy {
  /** Name in reports. */
  override readonly name = "scaffold";
  /**
   * Number of working vectors: the mean, the sum of the changes of the control variates, the
   * server's control variate, and room for a difference.
   */
  override readonly workingVectors = 4;
  /** The mean, in which each client counts once, and the sum of `(x - y_i) / (K_i η)`. */
  override readonly sums: SumShape = { vectors: { mean: "mean", change: "total" } };
  /** `true`: the number of steps decides how much an update counts. */
  readonly countsSteps = true;
  /** Settings of the clients: the rule `scaffold`. */
  readonly clientSettings: ClientSettings = { rule: { name: "scaffold" } };
  readonly #learningRate: number;
  #moved: ParameterVector | undefined;
  #control: ParameterVector | undefined;

  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor({ learningRate = 1 }: ScaffoldOptions = {}) {
    super();
    this.#learningRate = checked("scaffold", "learningRate", learningRate, { above: 0 });
  }

  /** Control variate c of the server; clients take it as 0 before the first round. */
  get control(): ParameterVector | undefined {
    return this.#control;
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
    return "scaffold";
  }

  /**
   * Opens a round.
   *
   * @throws {TypeError} If nothing is known of the round.
   * @throws {RangeError} If a restored control variate is not as long as the global vector.
   */
  override sumRound(global: ParameterVector, info?: RoundInfo): SumRound {
    const { numClients, plan: { learningRate }, untrained } = needInfo(this.name, info);
    const moved = this.#moved = workingVector(this.#moved, global);
    const control = this.#control = restoredVector(this.name, "control", this.#control, global);
    return {
      contribution: (update) => {
        this.check(update);
        const { parameters, steps = NaN } = update;
        difference(global, parameters, moved);
        return {
          terms: {
            mean: { vector: parameters, weight: 1 },
            change: { vector: moved, weight: 1 / (steps * learningRate) },
          },
        };
      },
      finish: (sums) => {
        const mean = sums.vector("mean"), change = sums.vector("change");
        sparing(untrained, mean, () => blend(mean, global, 1 - this.#learningRate));
        // c + (1/N) Σ ((x - y_i) / (K_i η) - c)
        scale(control, 1 - sums.count / numClients);
        fold(control, change, 1 / numClients);
        return mean;
      },
    };
  }

  /** Gives the control variate. */
  save(): StrategyState {
    return this.#control ? { vectors: { control: this.#control } } : {};
  }

  /**
   * Restores the control variate.
   *
   * @throws {TypeError} If the state has no such vector.
   */
  restore({ vectors }: StrategyState): void {
    this.#control = vectors && savedVector(this.name, "control", vectors);
  }
}

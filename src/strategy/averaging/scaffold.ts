/**
 * Averaging with control variates.
 *
 * @module
 */

import { blend, difference, fold, scale } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { checked } from "../check.ts";
import { sparing } from "../untrained.ts";
import { needInfo, restoredVector, savedVector, workingVector } from "../working.ts";
import type {
  ClientSettings,
  ClientUpdate,
  RoundInfo,
  Strategy,
  StrategyRound,
  StrategyState,
} from "../strategy.ts";

/** How {@linkcode Scaffold} steps. */
export interface ScaffoldOptions {
  /** The server's step size η_g, above 0. Default 1, as in the paper. */
  learningRate?: number;
}

/**
 * Averaging whose clients correct their steps by what all of them do (SCAFFOLD): they no longer drift to their own optima.
 *
 * Karimireddy et al. 2020, "SCAFFOLD: Stochastic Controlled Averaging for Federated Learning", algorithm 1 with option II: `x ← x + η_g mean(y_i - x)`
 * and `c ← c + (S/N) mean(Δc_i)`, where S of N clients answer. The clients' share of it is the rule `scaffold`. Of `Δc_i = (x - y_i) / (K_i η) - c` the
 * server knows all there is, so an update is as long as in FedAvg; what it sends is twice as long. Clients count alike, whatever data they have.
 *
 * The clients take plain SGD, and a client that begins anew has lost its `c_i`.
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
export class Scaffold implements Strategy {
  /** `"scaffold"`. */
  readonly name = "scaffold";
  /** Four: mean, sum of the changes of the control variates, the server's control variate, and room for a difference. */
  readonly workingVectors = 4;
  /** True. */
  readonly countsSteps = true;
  /** The rule `scaffold`. */
  readonly clientSettings: ClientSettings = { rule: { name: "scaffold" } };
  readonly #learningRate: number;
  #mean: ParameterVector | undefined;
  #change: ParameterVector | undefined;
  #moved: ParameterVector | undefined;
  #control: ParameterVector | undefined;

  /** Throws a `RangeError` for an option out of range. */
  constructor({ learningRate = 1 }: ScaffoldOptions = {}) {
    this.#learningRate = checked("scaffold", "learningRate", learningRate, { above: 0 });
  }

  /** The server's control variate c; clients take it as 0 before the first round. */
  get control(): ParameterVector | undefined {
    return this.#control;
  }

  /** Throws a `RangeError` for an update without a whole number of steps from 1. */
  check({ rank, steps = NaN }: ClientUpdate): void {
    if (Number.isSafeInteger(steps) && steps >= 1) return;
    throw new RangeError(
      `Cannot aggregate the update of rank ${rank} by scaffold: expected a whole number of steps from 1, got ${
        Number.isNaN(steps) ? "none" : steps
      }`,
    );
  }

  /** Opens a round. Throws a `TypeError` without what is known of it, and a `RangeError` for a restored control variate of another length. */
  begin(global: ParameterVector, info?: RoundInfo): StrategyRound {
    const { numClients, plan: { learningRate }, untrained } = needInfo(this.name, info);
    const mean = this.#mean = workingVector(this.#mean, global);
    const change = this.#change = workingVector(this.#change, global);
    const moved = this.#moved = workingVector(this.#moved, global);
    const control = this.#control = restoredVector(this.name, "control", this.#control, global);
    change.fill(0);
    let count = 0;
    return {
      accept: (update) => {
        this.check(update);
        const { parameters, steps = NaN } = update;
        count++;
        blend(mean, parameters, 1 / count);
        difference(global, parameters, moved);
        fold(change, moved, 1 / (steps * learningRate));
      },
      finish: () => {
        if (count === 0) return global;
        sparing(untrained, mean, () => blend(mean, global, 1 - this.#learningRate));
        // c + (1/N) Σ ((x - y_i) / (K_i η) - c)
        scale(control, 1 - count / numClients);
        fold(control, change, 1 / numClients);
        return mean;
      },
    };
  }

  /** The control variate. */
  save(): StrategyState {
    return this.#control ? { vectors: { control: this.#control } } : {};
  }

  /** Takes the control variate up. Throws a `TypeError` when there is another vector in its place. */
  restore({ vectors }: StrategyState): void {
    this.#control = vectors && savedVector(this.name, "control", vectors);
  }
}

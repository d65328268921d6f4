/**
 * Adagrad on the server.
 *
 * @module
 */

import type { ParameterVector } from "../../params/manifest.ts";
import {
  type AdaptiveSettings,
  adaptiveStep,
  checkedAdaptive,
  DEFAULT_TAU,
  firstMoments,
} from "./adaptive.ts";
import { ServerOptimizer, type ServerOptimizerOptions } from "./server_optimizer.ts";

/** How {@linkcode FedAdagrad} steps. */
export interface FedAdagradOptions extends ServerOptimizerOptions {
  /** The server's step size η, above 0. The paper tunes it to the task, from 10^-3 to 10. Default 0.1. */
  learningRate?: number;
  /** Decay β1 of the first moment, from 0 to below 1. Default 0. */
  beta1?: number;
  /** Degree of adaptivity τ, above 0: the smaller, the more the steps of the coordinates become alike. Default 0.001, as in the paper. */
  tau?: number;
}

/**
 * Adagrad on the server (FedAdagrad).
 *
 * Reddi et al. 2021, "Adaptive Federated Optimization", algorithm 2, with `Δ` the mean of the updates less the global vector, coordinate
 * by coordinate and without correction of bias:
 * `m ← β1 m + (1 - β1) Δ`, `v ← v + Δ²`, `w ← w + η m / (√v + τ)`. Before the first round m is 0 and v is τ².
 *
 * @example
 * ```ts
 * import { FedAdagrad } from "@fedlab/core";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const round = new FedAdagrad({ learningRate: 0.1 }).begin(new Float32Array(1));
 * round.accept({ rank: 1, parameters: new Float32Array([1]), numSamples: 1 });
 * assertAlmostEquals(round.finish()[0] ?? NaN, 0.1 / (Math.sqrt(1 + 1e-6) + 1e-3), 1e-7);
 * ```
 */
export class FedAdagrad extends ServerOptimizer<"m" | "v"> {
  readonly #settings: AdaptiveSettings;

  /** Throws a `RangeError` for an option out of range. */
  constructor(options: FedAdagradOptions = {}) {
    super("fedadagrad", firstMoments(options.tau), options);
    const { learningRate = 0.1, beta1 = 0, tau = DEFAULT_TAU } = options;
    this.#settings = checkedAdaptive("fedadagrad", { learningRate, beta1, tau });
  }

  /** One step of algorithm 2. */
  protected override step(
    next: ParameterVector,
    global: ParameterVector,
    kept: Readonly<Record<"m" | "v", ParameterVector>>,
  ): void {
    const second = (v: number, square: number) => v + square;
    adaptiveStep(next, global, kept, { ...this.#settings, second });
  }
}

/**
 * Adam on the server.
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
import { checked } from "../check.ts";
import { ServerOptimizer, type ServerOptimizerOptions } from "./server_optimizer.ts";

/** How {@linkcode FedAdam} steps. */
export interface FedAdamOptions extends ServerOptimizerOptions {
  /** The server's step size η, above 0. The paper tunes it to the task, from 10^-3 to 10. Default 0.01. */
  learningRate?: number;
  /** Decay β1 of the first moment, from 0 to below 1. Default 0.9. */
  beta1?: number;
  /** Decay β2 of the second moment, from 0 to below 1. Default 0.99, as in the paper. */
  beta2?: number;
  /** Degree of adaptivity τ, above 0: the smaller, the more the steps of the coordinates become alike. Default 0.001, as in the paper. */
  tau?: number;
}

/**
 * Adam on the server (FedAdam).
 *
 * Reddi et al. 2021, "Adaptive Federated Optimization", algorithm 2, with `Δ` the mean of the updates less the global vector, coordinate
 * by coordinate and without correction of bias:
 * `m ← β1 m + (1 - β1) Δ`, `v ← β2 v + (1 - β2) Δ²`, `w ← w + η m / (√v + τ)`. Before the first round m is 0 and v is τ².
 *
 * @example
 * ```ts
 * import { FedAdam } from "@fedlab/core";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const round = new FedAdam({ learningRate: 0.1 }).begin(new Float32Array(1));
 * round.accept({ rank: 1, parameters: new Float32Array([1]), numSamples: 1 });
 * assertAlmostEquals(round.finish()[0] ?? NaN, 0.01 / (Math.sqrt(0.99e-6 + 0.01) + 1e-3), 1e-7);
 * ```
 */
export class FedAdam extends ServerOptimizer<"m" | "v"> {
  readonly #settings: AdaptiveSettings;
  readonly #beta2: number;

  /** Throws a `RangeError` for an option out of range. */
  constructor(options: FedAdamOptions = {}) {
    super("fedadam", firstMoments(options.tau), options);
    const { learningRate = 0.01, beta1 = 0.9, beta2 = 0.99, tau = DEFAULT_TAU } = options;
    this.#settings = checkedAdaptive("fedadam", { learningRate, beta1, tau });
    this.#beta2 = checked("fedadam", "beta2", beta2, { least: 0, below: 1 });
  }

  /** One step of algorithm 2. */
  protected override step(
    next: ParameterVector,
    global: ParameterVector,
    kept: Readonly<Record<"m" | "v", ParameterVector>>,
  ): void {
    const beta2 = this.#beta2;
    const second = (v: number, square: number) => beta2 * v + (1 - beta2) * square;
    adaptiveStep(next, global, kept, { ...this.#settings, second });
  }
}

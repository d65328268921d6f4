/**
 * Adaptive optimizers on the server: Adagrad, Adam and Yogi.
 *
 * @module
 */

import type { ParameterVector } from "../../params/manifest.ts";
import { checked } from "../check.ts";
import { ServerOptimizer, type ServerOptimizerOptions } from "./server_optimizer.ts";

/** Options of {@linkcode FedAdagrad}. */
export interface FedAdagradOptions extends ServerOptimizerOptions {
  /**
   * Step size η of the server, above 0; the paper tunes it to the task, from 10^-3 to 10.
   *
   * @default {0.1}
   */
  learningRate?: number;
  /**
   * Decay β1 of the first moment, from 0 to below 1.
   *
   * @default {0}
   */
  beta1?: number;
  /**
   * Degree of adaptivity τ, above 0: the smaller it is, the more alike are the steps of all
   * coordinates. The default is the paper's.
   *
   * @default {0.001}
   */
  tau?: number;
}

/** Options of {@linkcode FedAdam}. */
export interface FedAdamOptions extends ServerOptimizerOptions {
  /**
   * Step size η of the server, above 0; the paper tunes it to the task, from 10^-3 to 10.
   *
   * @default {0.01}
   */
  learningRate?: number;
  /**
   * Decay β1 of the first moment, from 0 to below 1.
   *
   * @default {0.9}
   */
  beta1?: number;
  /**
   * Decay β2 of the second moment, from 0 to below 1. The default is the paper's.
   *
   * @default {0.99}
   */
  beta2?: number;
  /**
   * Degree of adaptivity τ, above 0: the smaller it is, the more alike are the steps of all
   * coordinates. The default is the paper's.
   *
   * @default {0.001}
   */
  tau?: number;
}

/** Options of {@linkcode FedYogi}: those of {@linkcode FedAdam}, with the same defaults. */
export type FedYogiOptions = FedAdamOptions;

/** Settings of algorithm 2, and its rule for the second moment. */
interface AdaptiveSettings {
  readonly learningRate: number;
  readonly beta1: number;
  readonly tau: number;
  /** Gives the new v of the old one and Δ². */
  readonly second: (v: number, square: number) => number;
}

/** Default of τ. */
const DEFAULT_TAU = 1e-3;

/**
 * Algorithm 2 of Reddi et al. 2021, whose variants differ in the second moment.
 *
 * @internal
 */
abstract class AdaptiveOptimizer extends ServerOptimizer<"m" | "v"> {
  readonly #settings: AdaptiveSettings;

  constructor(
    name: string,
    options: ServerOptimizerOptions,
    settings: AdaptiveSettings,
  ) {
    const { tau } = settings;
    super(name, { m: 0, v: tau * tau }, options);
    checked(name, "learningRate", settings.learningRate, { above: 0 });
    checked(name, "beta1", settings.beta1, { least: 0, below: 1 });
    checked(name, "tau", tau, { above: 0 });
    this.#settings = settings;
  }

  /** Takes a step, lines 11 to 15 of algorithm 2. */
  protected override step(
    next: ParameterVector,
    global: ParameterVector,
    { m, v }: Readonly<Record<"m" | "v", ParameterVector>>,
  ): void {
    const { learningRate, beta1, tau, second } = this.#settings;
    for (let i = 0; i < next.length; i++) {
      const before = global[i] ?? NaN;
      const change = (next[i] ?? NaN) - before;
      const first = beta1 * (m[i] ?? NaN) + (1 - beta1) * change;
      const square = second(v[i] ?? NaN, change * change);
      m[i] = first;
      v[i] = square;
      next[i] = before + learningRate * first / (Math.sqrt(square) + tau);
    }
  }
}

/**
 * Adagrad on the server (FedAdagrad).
 *
 * Reddi et al. 2021, "Adaptive Federated Optimization", algorithm 2, with `Δ` the mean of the
 * updates less the global vector, coordinate by coordinate and without correction of bias:
 * `m ← β1 m + (1 - β1) Δ`, `v ← v + Δ²`, `w ← w + η m / (√v + τ)`. Before the first round m is 0
 * and v is τ².
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
export class FedAdagrad extends AdaptiveOptimizer {
  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor(options: FedAdagradOptions = {}) {
    const { learningRate = 0.1, beta1 = 0, tau = DEFAULT_TAU } = options;
    const second = (v: number, square: number) => v + square;
    super("fedadagrad", options, { learningRate, beta1, tau, second });
  }
}

/**
 * Adam on the server (FedAdam).
 *
 * Reddi et al. 2021, "Adaptive Federated Optimization", algorithm 2, with `Δ` the mean of the
 * updates less the global vector, coordinate by coordinate and without correction of bias:
 * `m ← β1 m + (1 - β1) Δ`, `v ← β2 v + (1 - β2) Δ²`, `w ← w + η m / (√v + τ)`. Before the first
 * round m is 0 and v is τ².
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
export class FedAdam extends AdaptiveOptimizer {
  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor(options: FedAdamOptions = {}) {
    const { learningRate = 0.01, beta1 = 0.9, beta2 = 0.99, tau = DEFAULT_TAU } = options;
    const second = (v: number, square: number) => beta2 * v + (1 - beta2) * square;
    super("fedadam", options, { learningRate, beta1, tau, second });
    checked("fedadam", "beta2", beta2, { least: 0, below: 1 });
  }
}

/**
 * Yogi on the server (FedYogi).
 *
 * Reddi et al. 2021, "Adaptive Federated Optimization", algorithm 2, with `Δ` the mean of the
 * updates less the global vector, coordinate by coordinate and without correction of bias:
 * `m ← β1 m + (1 - β1) Δ`, `v ← v - (1 - β2) Δ² sign(v - Δ²)`, `w ← w + η m / (√v + τ)`. Before the
 * first round m is 0 and v is τ².
 *
 * @example
 * ```ts
 * import { FedYogi } from "@fedlab/core";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const round = new FedYogi({ learningRate: 0.1 }).begin(new Float32Array(1));
 * round.accept({ rank: 1, parameters: new Float32Array([1]), numSamples: 1 });
 * assertAlmostEquals(round.finish()[0] ?? NaN, 0.01 / (Math.sqrt(1e-6 + 0.01) + 1e-3), 1e-7);
 * ```
 */
export class FedYogi extends AdaptiveOptimizer {
  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor(options: FedYogiOptions = {}) {
    const { learningRate = 0.01, beta1 = 0.9, beta2 = 0.99, tau = DEFAULT_TAU } = options;
    const second = (v: number, square: number) => v - (1 - beta2) * square * Math.sign(v - square);
    super("fedyogi", options, { learningRate, beta1, tau, second });
    checked("fedyogi", "beta2", beta2, { least: 0, below: 1 });
  }
}

/**
 * Federated averaging with momentum on the server.
 *
 * @module
 */

import type { ParameterVector } from "../../params/manifest.ts";
import { checked } from "../check.ts";
import { ServerOptimizer, type ServerOptimizerOptions } from "./server_optimizer.ts";

/** Options of {@linkcode FedAvgM}. */
export interface FedAvgMOptions extends ServerOptimizerOptions {
  /**
   * Share β of the last step that goes into the next one, from 0 to below 1.
   *
   * @default {0.9}
   */
  momentum?: number;
  /**
   * Step size η of the server, above 0.
   *
   * @default {1}
   */
  learningRate?: number;
}

/**
 * Federated averaging with momentum on the server (FedAvgM).
 *
 * Hsu et al. 2019, "Measuring the Effects of Non-Identical Data Distribution for Federated Visual
 * Classification", section 4.3: `v ← β v + Δ`, `w ← w + η v`, with `Δ` the mean of the updates less
 * the global vector. v begins as zeros, and the momentum is not Nesterov's. With β = 0 and η = 1
 * the result is that of FedAvg bit for bit.
 *
 * @example
 * ```ts
 * import { FedAvgM } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const strategy = new FedAvgM({ momentum: 0.5 });
 * const run = (global: Float32Array<ArrayBuffer>) => {
 *   const round = strategy.begin(global);
 *   round.accept({ rank: 1, parameters: global.map((x) => x + 1), numSamples: 1 });
 *   return round.finish().slice();
 * };
 * assertEquals([...run(run(new Float32Array(1)))], [2.5]);
 * ```
 */
export class FedAvgM extends ServerOptimizer<"momentum"> {
  readonly #momentum: number;
  readonly #learningRate: number;

  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor(options: FedAvgMOptions = {}) {
    super("fedavgm", { momentum: 0 }, options);
    const { momentum = 0.9, learningRate = 1 } = options;
    this.#momentum = checked("fedavgm", "momentum", momentum, { least: 0, below: 1 });
    this.#learningRate = checked("fedavgm", "learningRate", learningRate, { above: 0 });
  }

  /** Takes a step with momentum. */
  protected override step(
    next: ParameterVector,
    global: ParameterVector,
    { momentum }: Readonly<Record<"momentum", ParameterVector>>,
  ): void {
    const beta = this.#momentum, rate = this.#learningRate;
    for (let i = 0; i < next.length; i++) {
      const mean = next[i] ?? NaN;
      const change = mean - (global[i] ?? NaN);
      const velocity = beta * (momentum[i] ?? NaN) + change;
      momentum[i] = velocity;
      // Not global + rate * velocity, which would round the mean again if it is the result.
      next[i] = mean + (rate * velocity - change);
    }
  }
}

/**
 * Buffered asynchronous aggregation.
 *
 * @module
 */

import { blend, difference, fold, scale } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { AsyncStrategy, AsyncUpdate } from "./async_strategy.ts";
import { checked } from "../check.ts";
import { copySpans } from "../untrained.ts";
import { savedVector, workingVector } from "../working.ts";
import type { StrategyState } from "../strategy.ts";

/** How {@linkcode FedBuff} steps. */
export interface FedBuffOptions {
  /** Number of updates K that make a version, from 1. Default 10. */
  size?: number;
  /** The server's step size η, above 0. Default 1. */
  learningRate?: number;
}

/**
 * Gathers K updates in a buffer, then takes one step (FedBuff).
 *
 * Nguyen et al. 2022, "Federated Learning with Buffered Asynchronous Aggregation", algorithm 1, with the weights of its experiments:
 * `w ← w + η / K · Σ (w_k - w_τ) / √(1 + s_k)`, where `w_τ` is what the client began with and `s_k` the number of versions made since. Clients count
 * alike, however many samples they have. The buffer is one vector, whatever K is.
 *
 * What no gradient trains, such as a moving variance, must stay within what clients sent, which a sum of ways from different beginnings does not. There the way is
 * taken from the present vector: `w ← w + t (Σ s_k w_k / Σ s_k - w)` with `s_k = 1 / √(1 + staleness)` and `t = min(1, η / K · Σ s_k)`, which is the same step
 * where all began with the present vector.
 *
 * @example
 * ```ts
 * import { FedBuff } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const strategy = new FedBuff({ size: 2 });
 * const base = new Float32Array([1]), global = base.slice();
 * const update = (rank: number, value: number, staleness: number) => ({
 *   rank, parameters: new Float32Array([value]), numSamples: 1, base, staleness,
 * });
 * assertEquals(strategy.accept(global, update(1, 3, 0)), false);
 * assertEquals([...global], [1]);
 * assertEquals(strategy.accept(global, update(2, 9, 3)), true);
 * assertEquals([...global], [1 + ((3 - 1) + (9 - 1) / 2) / 2]);
 * ```
 */
export class FedBuff implements AsyncStrategy {
  /** `"fedbuff"`. */
  readonly name = "fedbuff";
  /** K. */
  readonly updatesPerVersion: number;
  /** Two: the buffer, and one update's way from its beginning. */
  readonly workingVectors = 2;
  readonly #learningRate: number;
  #sum: ParameterVector | undefined;
  #way: ParameterVector | undefined;
  #count = 0;
  /** Sum of the weights by staleness in the buffer. */
  #weight = 0;

  /** Throws a `RangeError` for an option out of range. */
  constructor({ size = 10, learningRate = 1 }: FedBuffOptions = {}) {
    this.updatesPerVersion = checked("fedbuff", "size", size, { least: 1, whole: true });
    this.#learningRate = checked("fedbuff", "learningRate", learningRate, { above: 0 });
  }

  /** Adds the update to the buffer; a full one makes a version. Throws a `RangeError` when what was restored is not as long as the global vector. */
  accept(
    global: ParameterVector,
    { parameters, base, staleness, untrained = [] }: AsyncUpdate,
  ): boolean {
    const sum = this.#sumFor(global);
    const way = this.#way = workingVector(this.#way, global);
    difference(parameters, base, way);
    copySpans(untrained, parameters, way);
    const weight = 1 / Math.sqrt(1 + staleness);
    fold(sum, way, weight);
    this.#weight += weight;
    if (++this.#count < this.updatesPerVersion) return false;
    const step = this.#learningRate / this.#count;
    for (const [from, to] of untrained) {
      const here = global.subarray(from, to), mean = sum.subarray(from, to);
      scale(mean, 1 / this.#weight);
      blend(here, mean, Math.min(1, step * this.#weight));
      mean.fill(0);
    }
    fold(global, sum, step);
    this.#count = this.#weight = 0;
    return true;
  }

  /** The buffer, where there is something in it. */
  save(): StrategyState {
    if (this.#sum === undefined || this.#count === 0) return {};
    return { json: { count: this.#count, weight: this.#weight }, vectors: { sum: this.#sum } };
  }

  /**
   * Takes up what was saved; nothing is an empty buffer. Throws a `TypeError` when it is no buffer
   * of this size.
   */
  restore({ json, vectors }: StrategyState): void {
    if (json === undefined && vectors === undefined) {
      this.#count = this.#weight = 0;
      return;
    }
    const { count, weight } = Object(json) as Readonly<Record<string, unknown>>;
    const isBuffer = isNumber(count) && Number.isInteger(count) && count >= 1 &&
      count < this.updatesPerVersion && isNumber(weight) && weight > 0 && weight <= count;
    if (vectors?.sum === undefined || !isBuffer) {
      throw new TypeError(
        `Cannot restore fedbuff: expected a buffer of less than ${this.updatesPerVersion} updates and its weight, got ${
          isNumber(count) ? count : NaN
        } of weight ${isNumber(weight) ? weight : NaN}`,
      );
    }
    this.#sum = savedVector(this.name, "sum", vectors);
    this.#count = count;
    this.#weight = weight;
  }

  #sumFor(global: ParameterVector): ParameterVector {
    const before = this.#sum;
    if (this.#count > 0 && before !== undefined && before.length !== global.length) {
      throw new RangeError(
        `Cannot go on with fedbuff: expected ${global.length} values, got ${before.length}`,
      );
    }
    const sum = this.#sum = workingVector(before, global);
    if (this.#count === 0) sum.fill(0);
    else if (before !== undefined && sum !== before) sum.set(before);
    return sum;
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

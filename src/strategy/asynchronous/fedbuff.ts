/**
 * Buffered asynchronous aggregation.
 *
 * @module
 */

import { blend, difference, fold, scale } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { checked } from "../check.ts";
import type { StrategyState } from "../strategy.ts";
import { copySpans } from "../untrained.ts";
import { savedVector, workingVector } from "../working.ts";
import type { AsyncStrategy, AsyncUpdate } from "./async_strategy.ts";

/** Options of {@linkcode FedBuff}. */
export interface FedBuffOptions {
  /**
   * Number K of updates that make a version, from 1.
   *
   * @default {10}
   */
  size?: number;
  /**
   * Step size η of the server, above 0.
   *
   * @default {1}
   */
  learningRate?: number;
}

/**
 * Collects K updates in a buffer, then takes one step (FedBuff).
 *
 * Nguyen et al. 2022, "Federated Learning with Buffered Asynchronous Aggregation", algorithm 1,
 * with the weights of its experiments: `w ← w + η / K · Σ (w_k - w_τ) / √(1 + s_k)`, where `w_τ`
 * are the parameters that the client started from and `s_k` the number of versions made since. The
 * number of samples of a client does not count. The buffer is one vector, whatever K is.
 *
 * Values that no gradient trains, such as a moving variance, must stay within those that clients
 * sent; a sum of changes from different starting points does not. There the change is taken from
 * the present vector: `w ← w + t (Σ s_k w_k / Σ s_k - w)` with `s_k = 1 / √(1 + staleness)` and
 * `t = min(1, η / K · Σ s_k)`. If all clients started from the present vector, this is the same
 * step.
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
  /** Name in reports. */
  readonly name = "fedbuff";
  /** Number of updates that make a version, K. */
  readonly updatesPerVersion: number;
  /** Number of working vectors: the buffer, and the change of one update. */
  readonly workingVectors = 2;
  readonly #learningRate: number;
  #sum: ParameterVector | undefined;
  #way: ParameterVector | undefined;
  #count = 0;
  /** Sum of the weights of the updates in the buffer. */
  #weight = 0;

  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor({ size = 10, learningRate = 1 }: FedBuffOptions = {}) {
    this.updatesPerVersion = checked("fedbuff", "size", size, { least: 1, whole: true });
    this.#learningRate = checked("fedbuff", "learningRate", learningRate, { above: 0 });
  }

  /**
   * Adds the update to the buffer; a full buffer makes a version.
   *
   * @throws {RangeError} If a restored buffer is not as long as the global vector.
   */
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

  /** Gives the buffer, unless it is empty. */
  save(): StrategyState {
    if (this.#sum === undefined || this.#count === 0) return {};
    return { json: { count: this.#count, weight: this.#weight }, vectors: { sum: this.#sum } };
  }

  /**
   * Restores a saved buffer; a state without one is an empty buffer.
   *
   * @throws {TypeError} If the state is no buffer of this size.
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

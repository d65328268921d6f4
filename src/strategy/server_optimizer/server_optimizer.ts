/**
 * Server optimizers: a mean of the updates, then a step.
 *
 * @module
 */

import { vectorLike } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import { copySpans, sparing } from "../untrained.ts";
import { nameOf, savedVector, workingVector } from "../working.ts";
import { FedAvg } from "../averaging/fedavg.ts";
import type {
  ClientSettings,
  ClientUpdate,
  RoundInfo,
  Strategy,
  StrategyRound,
  StrategyState,
} from "../strategy.ts";

/** What the names of the vectors that the mean keeps begin with. */
const MEAN_PREFIX = "mean/";

/** What every {@linkcode ServerOptimizer} may be made of. */
export interface ServerOptimizerOptions {
  /** What makes one vector of a round's updates, such as a robust mean. Default `new FedAvg()`. */
  mean?: Strategy;
}

/**
 * An optimizer on the server, for which the pseudo-gradient is `Δ = mean - global`: a round's mean is taken by another strategy, then
 * {@linkcode ServerOptimizer.step} makes the new global vector of it. What lives on from round to round are vectors as long as the model.
 *
 * A round without any update takes no step. What no gradient trains, such as moving statistics, is as the mean has it: there the step sees no change, and what it
 * makes does not count.
 *
 * @example An optimizer of one's own
 * ```ts
 * import { type ParameterVector, ServerOptimizer } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * class HalfWay extends ServerOptimizer<never> {
 *   constructor() {
 *     super("half-way", {});
 *   }
 *   protected override step(next: ParameterVector, global: ParameterVector): void {
 *     next.forEach((mean, i) => next[i] = (mean + (global[i] ?? 0)) / 2);
 *   }
 * }
 *
 * const round = new HalfWay().begin(new Float32Array([0, 4]));
 * round.accept({ rank: 1, parameters: new Float32Array([2, 2]), numSamples: 1 });
 * assertEquals(round.finish(), new Float32Array([1, 3]));
 * ```
 */
export abstract class ServerOptimizer<Kept extends string> implements Strategy {
  /** The name that reports carry: with another mean than FedAvg, such as `"fedadam of median"`. */
  readonly name: string;
  /** Those of the mean, and one for each vector that lives on. */
  readonly workingVectors: number;
  readonly #initial: Readonly<Record<Kept, number>>;
  readonly #mean: Strategy;
  #kept: Record<Kept, ParameterVector> | undefined;

  /**
   * Takes the algorithm's name, and the names of the vectors that live on, each with the value that it is filled with before the first round.
   *
   * Throws a `RangeError` for FedDyn as the mean, whose h is right for its own step alone: under momentum the two drive each other to infinity.
   */
  constructor(
    name: string,
    initial: Readonly<Record<Kept, number>>,
    { mean = new FedAvg() }: ServerOptimizerOptions = {},
  ) {
    if (mean.clientSettings?.rule?.name === "feddyn") {
      throw new RangeError(
        `Cannot make ${name}: expected a mean that leaves the step to it, got ${mean.name}, which takes its own`,
      );
    }
    this.name = nameOf(name, mean);
    this.#initial = initial;
    this.#mean = mean;
    this.workingVectors = mean.workingVectors + Object.keys(initial).length;
  }

  /**
   * Makes the new global vector, in place, of the mean in `next`, and brings what is kept up to date.
   *
   * All are as long as the model; `global`, with which the round began, must not change.
   */
  protected abstract step(
    next: ParameterVector,
    global: ParameterVector,
    kept: Readonly<Record<Kept, ParameterVector>>,
  ): void;

  /** As the mean is. */
  get isRobust(): boolean {
    return this.#mean.isRobust ?? false;
  }

  /** As the other strategy does. */
  get countsSteps(): boolean {
    return this.#mean.countsSteps ?? false;
  }

  /** As the mean is. */
  get needsHonestMajority(): boolean {
    return this.#mean.needsHonestMajority ?? false;
  }

  /** As many as the mean needs. */
  get fewestUpdates(): number {
    return this.#mean.fewestUpdates ?? 1;
  }

  /** What the clients are to do, as the mean has it. */
  get clientSettings(): ClientSettings {
    return this.#mean.clientSettings ?? {};
  }

  /** The mean's second vector. */
  get control(): ParameterVector | undefined {
    return this.#mean.control;
  }

  /** As the mean does. */
  checkPlan(plan: TrainSettings): void {
    this.#mean.checkPlan?.(plan);
  }

  /** As the mean does. */
  check(update: ClientUpdate): void {
    this.#mean.check?.(update);
  }

  /** Opens a round. Throws a `RangeError` when what was restored is not as long as the global vector. */
  begin(global: ParameterVector, info?: RoundInfo): StrategyRound {
    const kept = this.#keptFor(global);
    const round = this.#mean.begin(global, info);
    return {
      accept: (update) => round.accept(update),
      finish: () => {
        const next = round.finish();
        if (next === global) return global;
        const { untrained } = info ?? {};
        sparing(untrained, next, () => {
          copySpans(untrained, global, next);
          this.step(next, global, kept);
        });
        return next;
      },
    };
  }

  /** The vectors that live on, as views, and what the mean keeps. */
  save(): StrategyState {
    const { json, vectors = {} } = this.#mean.save?.() ?? {};
    const ofMean = Object.entries(vectors).map(([name, vector]) => [MEAN_PREFIX + name, vector]);
    return {
      ...(json !== undefined && { json }),
      ...(this.#kept && { vectors: { ...this.#kept, ...Object.fromEntries(ofMean) } }),
    };
  }

  /** Takes up what was saved; a state without vectors is that before the first round. Throws a `TypeError` when a vector is missing. */
  restore({ json, vectors }: StrategyState): void {
    const ofMean = Object.entries(vectors ?? {}).filter(([name]) => name.startsWith(MEAN_PREFIX))
      .map(([name, vector]) => [name.slice(MEAN_PREFIX.length), vector] as const);
    // Also where it had kept nothing: what it has by now does not count.
    this.#mean.restore?.({
      ...(json !== undefined && { json }),
      ...(ofMean.length > 0 && { vectors: Object.fromEntries(ofMean) }),
    });
    this.#kept = vectors && this.#each((name) => savedVector(this.name, name, vectors));
  }

  /** What is kept, in the arena of the global vector. */
  #keptFor(global: ParameterVector): Record<Kept, ParameterVector> {
    const before = this.#kept;
    this.#kept = this.#each((name) => {
      if (before === undefined) return vectorLike(global).fill(this.#initial[name]);
      if (before[name].length !== global.length) {
        throw new RangeError(
          `Cannot go on with ${this.name}: expected ${global.length} values of ${name}, got ${
            before[name].length
          }`,
        );
      }
      const vector = workingVector(before[name], global);
      if (vector !== before[name]) vector.set(before[name]);
      return vector;
    });
    return this.#kept;
  }

  #each(make: (name: Kept) => ParameterVector): Record<Kept, ParameterVector> {
    const names = Object.keys(this.#initial) as Kept[];
    return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<
      Kept,
      ParameterVector
    >;
  }
}

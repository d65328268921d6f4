/**
 * Server optimizers: a mean of the updates, then a step.
 *
 * @module
 */

import { vectorLike } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { RoundInfo, StrategyRound, StrategyState } from "../strategy.ts";
import { contributorOf } from "../sums/contributor.ts";
import type { SumRound } from "../sums/sums.ts";
import { copySpans, sparing } from "../untrained.ts";
import { savedVector, workingVector } from "../working.ts";
import { changedRound, WrappedStrategy, type WrappedStrategyOptions } from "../wrapped.ts";

/** Beginning of the names of the vectors that the mean keeps. */
const MEAN_PREFIX = "mean/";

/** Options of every {@linkcode ServerOptimizer}. */
export interface ServerOptimizerOptions extends WrappedStrategyOptions {}

/**
 * An optimizer on the server.
 *
 * A round's mean is taken by another strategy; then {@linkcode ServerOptimizer.step} makes the new
 * global vector of it, with the pseudo-gradient `Δ = mean - global`. The optimizer keeps vectors as
 * long as the model from round to round.
 *
 * A round without any update takes no step. Values that no gradient trains, such as moving
 * statistics, are those of the mean: the step sees no change there, and its result is not used.
 *
 * @example An optimizer of your own
 * ```ts
 * import type { ParameterVector } from "@fedlab/core";
 * import { ServerOptimizer } from "@fedlab/core/strategy";
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
export abstract class ServerOptimizer<Kept extends string> extends WrappedStrategy {
  readonly #initial: Readonly<Record<Kept, number>>;
  #kept: Record<Kept, ParameterVector> | undefined;

  /**
   * Makes an optimizer.
   *
   * @param name The algorithm's name.
   * @param initial The vectors that live on, each with the value that fills it before the first
   * round.
   * @throws {RangeError} If the mean is FedDyn, whose state fits its own step alone: under momentum
   * the two would diverge.
   */
  constructor(
    name: string,
    initial: Readonly<Record<Kept, number>>,
    options?: ServerOptimizerOptions,
  ) {
    super(name, options, Object.keys(initial).length);
    const { clientSettings, name: meanName } = this.mean;
    if (clientSettings?.rule?.name === "feddyn") {
      throw new RangeError(
        `Cannot make ${name}: expected a mean that leaves the step to it, got ${meanName}, which takes its own`,
      );
    }
    this.#initial = initial;
  }

  /** `true`: a step follows changes of former rounds too. */
  override get optimizesOnServer(): boolean {
    return true;
  }

  /**
   * Makes the new global vector, and updates the vectors that live on.
   *
   * @param next The mean, as long as the model; the new global vector takes its place.
   * @param global The vector with which the round began, which must not change.
   * @param kept The vectors that live on, by name.
   */
  protected abstract step(
    next: ParameterVector,
    global: ParameterVector,
    kept: Readonly<Record<Kept, ParameterVector>>,
  ): void;

  /**
   * Opens a round.
   *
   * @throws {RangeError} If a restored vector is not as long as the global one.
   */
  override begin(global: ParameterVector, info?: RoundInfo): StrategyRound {
    const take = this.#stepFrom(global, info);
    const round = super.begin(global, info);
    return changedRound(round, {
      finish: () => {
        const next = round.finish();
        return next === global ? global : take(next);
      },
    });
  }

  /** Strategy of the registry whose updates count in the same way. */
  override get contributor(): string | undefined {
    return contributorOf(this.mean);
  }

  /** Opens a round of the mean by contributions, with the step at its end. */
  override sumRound(global: ParameterVector, info?: RoundInfo): SumRound {
    const take = this.#stepFrom(global, info);
    const { contribution, finish } = super.sumRound(global, info);
    return { contribution, finish: (sums) => take(finish(sums)) };
  }

  #stepFrom(
    global: ParameterVector,
    { untrained }: Partial<RoundInfo> = {},
  ): (next: ParameterVector) => ParameterVector {
    const kept = this.#keptFor(global);
    return (next) => {
      sparing(untrained, next, () => {
        copySpans(untrained, global, next);
        this.step(next, global, kept);
      });
      return next;
    };
  }

  /** Gives the vectors that live on, as views, and the state of the mean. */
  override save(): StrategyState {
    const { json, vectors = {} } = super.save();
    const ofMean = Object.entries(vectors).map(([name, vector]) => [MEAN_PREFIX + name, vector]);
    return {
      ...(json !== undefined && { json }),
      ...(this.#kept && { vectors: { ...this.#kept, ...Object.fromEntries(ofMean) } }),
    };
  }

  /**
   * Restores a saved state; one without vectors is that before the first round.
   *
   * @throws {TypeError} If a vector is missing.
   */
  override restore({ json, vectors }: StrategyState): void {
    const ofMean = Object.entries(vectors ?? {}).filter(([name]) => name.startsWith(MEAN_PREFIX))
      .map(([name, vector]) => [name.slice(MEAN_PREFIX.length), vector] as const);
    // Even if the mean had kept nothing: its present state does not count.
    super.restore({
      ...(json !== undefined && { json }),
      ...(ofMean.length > 0 && { vectors: Object.fromEntries(ofMean) }),
    });
    this.#kept = vectors && this.#each((name) => savedVector(this.name, name, vectors));
  }

  /** Gives the vectors that live on, in the arena of the global vector. */
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

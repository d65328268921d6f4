/**
 * The base of strategies that build on another one.
 *
 * @module
 */

import type { ParameterVector } from "../params/manifest.ts";
import type { TrainSettings } from "../plan/settings.ts";
import { FedAvg } from "./averaging/fedavg.ts";
import type {
  ClientSettings,
  ClientUpdate,
  RoundInfo,
  Strategy,
  StrategyRound,
  StrategyState,
} from "./strategy.ts";
import { contributorOf } from "./sums/contributor.ts";
import type { SumRound, SumShape } from "./sums/sums.ts";

/** Options of every {@linkcode WrappedStrategy}. */
export interface WrappedStrategyOptions {
  /**
   * Strategy that makes one vector of a round's updates, such as a robust mean.
   *
   * @default {new FedAvg()}
   */
  mean?: Strategy;
}

/** Returns a round that is like another one but for some methods. */
export function changedRound(
  round: StrategyRound,
  changes: Partial<StrategyRound>,
): StrategyRound {
  return {
    accept: (update) => round.accept(update),
    finish: () => round.finish(),
    ...(round.check && { check: (update) => round.check?.(update) }),
    ...(round.merge && { merge: (part) => round.merge?.(part) }),
    ...changes,
  };
}

/** A strategy that builds on another one, and is like it wherever a subclass says nothing else. */
export abstract class WrappedStrategy implements Strategy {
  /** Name in reports: with another mean than FedAvg, such as `"fedadam of median"`. */
  readonly name: string;
  /** Number of working vectors: those of the mean, and the strategy's own. */
  readonly workingVectors: number;
  /** The strategy that makes one vector of a round's updates. */
  protected readonly mean: Strategy;

  /**
   * Makes a strategy of an algorithm's name and a mean.
   *
   * @param ownVectors Number of working vectors besides those of the mean.
   */
  constructor(
    name: string,
    { mean = new FedAvg() }: WrappedStrategyOptions = {},
    ownVectors: number = 0,
  ) {
    this.name = mean.name === "fedavg" ? name : `${name} of ${mean.name}`;
    this.workingVectors = ownVectors + mean.workingVectors;
    this.mean = mean;
  }

  /** `true` if the mean is robust against any single update. */
  get isRobust(): boolean {
    return this.mean.isRobust ?? false;
  }

  /** `true` if the mean needs an honest majority among the updates of a round. */
  get needsHonestMajority(): boolean {
    return this.mean.needsHonestMajority ?? false;
  }

  /** `true` if the mean divides each update by the length of its steps. */
  get normalizesSteps(): boolean {
    return this.mean.normalizesSteps ?? false;
  }

  /** `true` if the mean has a step size of its own in place of the clients' learning rate. */
  get fixesLearningRate(): boolean {
    return this.mean.fixesLearningRate ?? false;
  }

  /** `true` if the mean follows changes of former rounds too. */
  get optimizesOnServer(): boolean {
    return this.mean.optimizesOnServer ?? false;
  }

  /** `true` if the mean weighs updates by their number of steps. */
  get countsSteps(): boolean {
    return this.mean.countsSteps ?? false;
  }

  /** Number of updates that the mean needs. */
  get fewestUpdates(): number {
    return this.mean.fewestUpdates ?? 1;
  }

  /** Settings of the clients that the mean changes. */
  get clientSettings(): ClientSettings {
    return this.mean.clientSettings ?? {};
  }

  /** The second vector that the mean sends to clients. */
  get control(): ParameterVector | undefined {
    return this.mean.control;
  }

  /**
   * Checks that the mean goes with the clients' settings.
   *
   * @throws {RangeError} If it does not.
   */
  checkPlan(plan: TrainSettings): void {
    this.mean.checkPlan?.(plan);
  }

  /**
   * Checks that an update has what the mean needs.
   *
   * @throws {RangeError} If it has not.
   */
  check(update: ClientUpdate): void {
    this.mean.check?.(update);
  }

  /** The sums of the mean, if it has some. */
  get sums(): SumShape | undefined {
    return this.mean.sums;
  }

  /** Strategy of the registry whose updates count in the same way. */
  get contributor(): string | undefined {
    return contributorOf(this.mean);
  }

  /**
   * Opens a round of the mean by the contributions of its updates.
   *
   * @throws {TypeError} If the mean has no sums.
   */
  sumRound(global: ParameterVector, info?: RoundInfo): SumRound {
    const round = this.mean.sumRound?.(global, info);
    if (round !== undefined) return round;
    throw new TypeError(`Cannot add up the updates of ${this.name}: it is no function of sums`);
  }

  /** Opens a round of the mean. */
  begin(global: ParameterVector, info?: RoundInfo): StrategyRound {
    return this.mean.begin(global, info);
  }

  /** Gives the state of the mean. */
  save(): StrategyState {
    return this.mean.save?.() ?? {};
  }

  /** Restores the state of the mean. */
  restore(state: StrategyState): void {
    this.mean.restore?.(state);
  }
}

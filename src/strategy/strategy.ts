/**
 * How a server aggregates: the contract that every algorithm fulfils.
 *
 * @module
 */

import type { TrainSettings } from "../plan/settings.ts";
import type { ParameterVector } from "../params/manifest.ts";

/** One client's answer in a round. */
export interface ClientUpdate {
  /** Rank of the client. */
  readonly rank: number;
  /**
   * Its trained parameters, or its gradient where `clientSettings` have the rule `gradient`, as long as the global vector. The view is valid only
   * during the call.
   */
  readonly parameters: ParameterVector;
  /** Number of samples it trained on, at least 1. */
  readonly numSamples: number;
  /** Number of SGD steps that it took, as it says. */
  readonly steps?: number;
  /** Its mean training loss in the last local epoch, as it says. */
  readonly loss?: number;
  /** Its further figures, as it says. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** What of a strategy lives on from round to round. */
export interface StrategyState {
  /** Anything that can be written as JSON. */
  readonly json?: unknown;
  /** Vectors by name, of any length. Of those that are saved, each is a view: it changes with the next round. */
  readonly vectors?: Readonly<Record<string, ParameterVector>>;
}

/** One round's aggregation: takes the updates one by one, in rank order, and gives the new global vector. */
export interface StrategyRound {
  /** Folds one update in. It has been checked: right length, finite, one a rank. */
  accept(update: ClientUpdate): void;
  /**
   * The new global vector, valid until the next `begin`, which the caller may write to; without any update, the very one the round began with.
   *
   * Throws a `RangeError` when the updates are too few for the algorithm.
   */
  finish(): ParameterVector;
}

/** Places in a vector: each from its first value to the one before which it ends. */
export type Spans = readonly (readonly [from: number, to: number])[];

/** What is known of a round when it begins. */
export interface RoundInfo {
  /** The round, from 1. */
  readonly round: number;
  /** Number of clients of the group, of whom the round takes some. */
  readonly numClients: number;
  /** How the clients train. */
  readonly plan: TrainSettings;
  /**
   * Where the vector holds what no gradient trains, such as BatchNorm's moving statistics. A strategy that steps past the mean of the updates, or by some
   * rule for gradients, leaves the mean itself there: a moving variance must not become negative. Default: nowhere.
   */
  readonly untrained?: Spans;
}

/** What an algorithm changes in the clients' settings. */
export interface ClientSettings extends Partial<TrainSettings> {
  /** What it sets where the plan does not; a `proximal` of 0 in the plan leaves it to the algorithm. */
  readonly defaults?: Partial<TrainSettings>;
}

/** An aggregation algorithm. Learning one is learning all: `begin` a round, `accept` its updates, `finish` it. */
export interface Strategy {
  /** The name that reports carry, such as `"fedavg"`. */
  readonly name: string;
  /** What it changes in the clients' settings, such as the rule that they train by. */
  readonly clientSettings?: ClientSettings;
  /** The vector that clients get beside the parameters, such as SCAFFOLD's control variate; valid until the next `finish`. */
  readonly control?: ParameterVector | undefined;
  /**
   * Whether no single update, however large, moves the result by more than the algorithm allows.
   * The server then holds updates to no bound of its own. Default false.
   */
  readonly isRobust?: boolean;
  /**
   * `true` for an algorithm that withstands hostile clients as long as they are few among the
   * updates of a round: with over-selection those count that are first, and hostile clients can be.
   *
   * @default false
   */
  readonly needsHonestMajority?: boolean;
  /**
   * Whether the number of steps that a client tells of decides how much its update counts. The server
   * then refuses a number that is more than ten times what the plan makes of the client's samples.
   * Default false.
   */
  readonly countsSteps?: boolean;
  /**
   * Number of updates without which a round is no use to the algorithm: one that has fewer is tried
   * again. Default 1.
   */
  readonly fewestUpdates?: number;
  /**
   * Number of vectors as long as the model that the algorithm takes in the arena of the global one, whatever the number of clients. Copies of a
   * round's updates, where an algorithm has to see all of them at once, lie outside and are not among these.
   */
  readonly workingVectors: number;
  /** Opens a round on the global vector, which it must not change. */
  begin(global: ParameterVector, info?: RoundInfo): StrategyRound;
  /** Throws a `RangeError` for settings of the clients' training that the algorithm does not go with. Default: it goes with all. */
  checkPlan?(plan: TrainSettings): void;
  /** Throws a `RangeError` for an update that lacks what the algorithm needs, or says what cannot be. Default: it needs no more than any update has. */
  check?(update: ClientUpdate): void;
  /** What lives on from round to round, for a checkpoint. A strategy that keeps nothing has neither of the two. */
  save?(): StrategyState;
  /**
   * Takes up what {@linkcode save} gave, nothing at all before the first round included; vectors
   * are copied. Throws when it is not that.
   */
  restore?(state: StrategyState): void;
}

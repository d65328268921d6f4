/**
 * The contract of aggregation algorithms.
 *
 * @module
 */

import type { Rank } from "../base/rank.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { RingVector } from "../secure/quantize.ts";
import type { TrainSettings } from "../plan/settings.ts";
import type { PrivacyTerms } from "./privacy.ts";
import type { ExactSums } from "./sums/exact_sums.ts";
import type { Aggregation, SumRound, SumShape } from "./sums/sums.ts";

/** One client's update in a round. */
export interface ClientUpdate {
  /** Rank of the client. */
  readonly rank: number;
  /**
   * Its trained parameters, or its gradient if `clientSettings` have the rule `gradient`, as long
   * as the global vector. The view is valid only during the call.
   */
  readonly parameters: ParameterVector;
  /** Number of samples it trained on, at least 1. */
  readonly numSamples: number;
  /** Number of SGD steps, as the client reports it. */
  readonly steps?: number;
  /** Mean training loss of the last local epoch, as the client reports it. */
  readonly loss?: number;
  /** Further figures, as the client reports them. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** Sum of the clipped updates of members of secure aggregation. */
export interface MemberSum {
  /** The sum, in whole units modulo 2^32, with its lanes. */
  readonly sums: RingVector;
  /** Ranks of the members in it. */
  readonly ranks: readonly Rank[];
}

/** The state of a strategy that lives on from round to round. */
export interface StrategyState {
  /** A value that can be written as JSON. */
  readonly json?: unknown;
  /**
   * Vectors by name, of any length. A saved vector is a view, which changes with the next round.
   */
  readonly vectors?: Readonly<Record<string, ParameterVector>>;
}

/**
 * The aggregation of one round, which takes the updates one by one: in rank order, or in any order
 * where the round's sums are exact.
 */
export interface StrategyRound {
  /**
   * Checks that an update can be taken, for a round that does not take all; changes nothing.
   *
   * @throws {RangeError} If it cannot.
   */
  check?(update: ClientUpdate): void;
  /**
   * Takes an update, which has been checked: it has the right length, is finite, and is the only
   * one of its rank.
   */
  accept(update: ClientUpdate): void;
  /**
   * Takes the sum of members of secure aggregation that have clipped their updates, for a round
   * that adds noise to it. Other rounds accept the mean of the updates as one update.
   *
   * @throws {RangeError} If the sum has another length, or a member may not be in it.
   */
  acceptSum?(sum: MemberSum): void;
  /**
   * Takes the updates that were added up elsewhere, for a round whose sums are exact.
   *
   * @throws {RangeError} If they are other sums, or out of range. Nothing has changed then.
   */
  merge?(part: ExactSums): void;
  /**
   * Gives the new global vector.
   *
   * @returns A vector that is valid until the next `begin` and may be written to; without any
   * update, the vector that the round began with.
   * @throws {RangeError} If the algorithm needs more updates.
   */
  finish(): ParameterVector;
}

/** Places in a vector, each with its first index and the index after its last. */
export type Spans = readonly (readonly [from: number, to: number])[];

/** Information on a round at its beginning. */
export interface RoundInfo {
  /** The round, from 1. */
  readonly round: number;
  /** Number of clients of the group, of which the round takes some. */
  readonly numClients: number;
  /** Settings of the clients' training. */
  readonly plan: TrainSettings;
  /**
   * Places of the vector that no gradient trains, such as BatchNorm's moving statistics. A strategy
   * that steps past the mean of the updates, or by a rule for gradients, takes the mean itself
   * there: a moving variance must not become negative.
   *
   * @default {[]}
   */
  readonly untrained?: Spans;
  /**
   * Places of the vector that do not travel, in order: frozen layers, and tensors that stay on the
   * clients. No round changes them, whatever the algorithm's result has there.
   *
   * @default {[]}
   */
  readonly fixed?: Spans;
  /** Layout of the vector, for an algorithm that treats some of its tensors in another way. */
  readonly manifest?: Manifest;
  /**
   * Way in which the round adds updates up. Only strategies with `sums` know `"exact"`.
   *
   * @default {"running"}
   */
  readonly aggregation?: Aggregation;
}

/** Settings of the clients that an algorithm changes. */
export interface ClientSettings extends Partial<TrainSettings> {
  /**
   * Settings for which the plan takes precedence. A `proximal` of 0 in the plan leaves the choice
   * to the algorithm.
   */
  readonly defaults?: Partial<TrainSettings>;
}

/**
 * An aggregation algorithm. All are used alike: `begin` a round, `accept` its updates, `finish` it.
 */
export interface Strategy {
  /** Name in reports, such as `"fedavg"`. */
  readonly name: string;
  /** Settings of the clients that the algorithm changes, such as the rule that they train by. */
  readonly clientSettings?: ClientSettings;
  /**
   * The vector that clients receive besides the parameters, such as SCAFFOLD's control variate;
   * valid until the next `finish`.
   */
  readonly control?: ParameterVector | undefined;
  /**
   * `true` if no single update, however large, moves the result by more than the algorithm allows.
   * The server then sets no bound of its own on updates.
   *
   * @default {false}
   */
  readonly isRobust?: boolean;
  /**
   * `true` if the algorithm withstands hostile clients only while they are few among the updates of
   * a round. With over-selection the first updates count, and hostile clients can be first.
   *
   * @default false
   */
  readonly needsHonestMajority?: boolean;
  /**
   * `true` if the number of steps that a client reports decides how much its update counts. The
   * server then refuses a number above ten times that of the plan for the client's samples.
   *
   * @default {false}
   */
  readonly countsSteps?: boolean;
  /**
   * `true` if each update is divided by the length of its client's steps, which must then be steps
   * of SGD without anything that changes their length.
   *
   * @default {false}
   */
  readonly normalizesSteps?: boolean;
  /**
   * `true` if the algorithm has a step size of its own in place of the clients' learning rate, so
   * that a schedule of that rate would have no effect.
   *
   * @default {false}
   */
  readonly fixesLearningRate?: boolean;
  /**
   * `true` if a step follows changes of former rounds too, as with momentum on the server: values
   * that the clients did not change then move as well.
   *
   * @default {false}
   */
  readonly optimizesOnServer?: boolean;
  /** Demands on the rounds and guarantee of an algorithm that keeps clients private. */
  readonly privacy?: PrivacyTerms | undefined;
  /**
   * Number of updates that the algorithm needs; a round with fewer is tried again.
   *
   * @default {1}
   */
  readonly fewestUpdates?: number;
  /**
   * Number of vectors as long as the model that the algorithm allocates in the arena of the global
   * one, whatever the number of clients. Copies of a round's updates, which some algorithms need,
   * lie outside the arena and do not count. Allocate them with `vectorLike(global)` in the first
   * round and keep them: `global.slice()` allocates outside the arena, anew in each round.
   */
  readonly workingVectors: number;
  /**
   * The sums, for an algorithm whose step is a function of weighted sums over a round's updates.
   * Its rounds can add them up exactly, and it has `sumRound`.
   */
  readonly sums?: SumShape | undefined;
  /**
   * Strategy of the registry, as `parseStrategy` takes it, that has the same `sums`, and whose
   * `contribution` and `check` are the same functions of an update, its figures and the round. With
   * it another process can add up updates for this one. Give it as a getter: it does not count for
   * a subclass that overrides `begin`, `sumRound` or `check` and not this.
   *
   * @default {undefined} The updates are added up by this strategy alone.
   */
  readonly contributor?: string | undefined;
  /** Opens a round by the contributions of its updates, for an algorithm with `sums`. */
  sumRound?(global: ParameterVector, info?: RoundInfo): SumRound;
  /** Opens a round on the global vector, which the algorithm must not change. */
  begin(global: ParameterVector, info?: RoundInfo): StrategyRound;
  /**
   * Checks the settings of the clients' training, for an algorithm that does not go with all.
   *
   * @throws {RangeError} If the algorithm does not go with them.
   */
  checkPlan?(plan: TrainSettings): void;
  /**
   * Checks that an update has what the algorithm needs, for one that needs more than every update
   * has.
   *
   * @throws {RangeError} If a figure is missing or impossible.
   */
  check?(update: ClientUpdate): void;
  /**
   * Gives the state that lives on from round to round, for a checkpoint. A strategy without state
   * has neither this method nor `restore`.
   */
  save?(): StrategyState;
  /**
   * Restores a state that {@linkcode save} gave, also before the first round; vectors are copied.
   *
   * @throws {Error} If it is no such state.
   */
  restore?(state: StrategyState): void;
}

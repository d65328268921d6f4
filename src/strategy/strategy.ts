/**
 * How a server aggregates: the contract that every algorithm fulfils.
 *
 * @module
 */

import type { TrainSettings } from "../wire/messages.ts";
import type { ParameterVector } from "../params/manifest.ts";

/** One client's answer in a round. */
export interface ClientUpdate {
  /** Rank of the client. */
  readonly rank: number;
  /** Its trained parameters, as long as the global vector. The view is valid only during the call. */
  readonly parameters: ParameterVector;
  /** Number of samples it trained on, at least 1. */
  readonly numSamples: number;
}

/** One round's aggregation: takes the updates one by one, in rank order, and gives the new global vector. */
export interface StrategyRound {
  /** Folds one update in. It has been checked: right length, finite, one a rank. */
  accept(update: ClientUpdate): void;
  /** The new global vector, valid until the next `begin`; without any update, the one the round began with. */
  finish(): ParameterVector;
}

/** An aggregation algorithm. Learning one is learning all: `begin` a round, `accept` its updates, `finish` it. */
export interface Strategy {
  /** The name that reports carry, such as `"fedavg"`. */
  readonly name: string;
  /** What it changes in the clients' settings, such as the rule that they train by. */
  readonly clientSettings?: Partial<TrainSettings>;
  /** The vector that clients get beside the parameters, such as SCAFFOLD's control variate; valid until the next `finish`. */
  readonly control?: ParameterVector | undefined;
  /** Number of vectors as long as the model that the algorithm holds at once, besides the global one. */
  readonly workingVectors: number;
  /** Opens a round on the global vector, which it must not change. */
  begin(global: ParameterVector): StrategyRound;
  /** What lives on from round to round, as JSON, for a checkpoint. A strategy that keeps nothing has neither of the two. */
  save?(): unknown;
  /** Takes up what {@linkcode save} gave. Throws when it is not that. */
  restore?(state: unknown): void;
}

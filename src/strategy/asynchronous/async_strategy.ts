/**
 * How an asynchronous server mixes updates in: the contract that every algorithm fulfils.
 *
 * @module
 */

import type { ParameterVector } from "../../params/manifest.ts";
import type { ClientSettings, ClientUpdate, Spans, StrategyState } from "../strategy.ts";

/** One client's update, with how old its beginning was when it came. */
export interface AsyncUpdate extends ClientUpdate {
  /** What the client began with, as long as the global vector. The view is valid only during the call. */
  readonly base: ParameterVector;
  /** Number of versions that were made between its beginning and its coming: 0 when it began with the present one. */
  readonly staleness: number;
  /** As in `RoundInfo`: where the vector holds what no gradient trains. Default: nowhere. */
  readonly untrained?: Spans;
}

/** An asynchronous algorithm: takes in one update after the other, in the order in which they come. */
export interface AsyncStrategy {
  /** The name that reports carry, such as `"fedasync"`. */
  readonly name: string;
  /** Number of updates that make a version of the model, at least 1. */
  readonly updatesPerVersion: number;
  /** What it changes in the clients' settings. */
  readonly clientSettings?: ClientSettings;
  /** Number of vectors as long as the model that the algorithm takes in the arena of the global one. */
  readonly workingVectors: number;
  /**
   * Takes one update in, which has been checked, and changes the global vector in place when a new version is due. Gives whether one was
   * made: with every {@linkcode AsyncStrategy.updatesPerVersion}-th update.
   */
  accept(global: ParameterVector, update: AsyncUpdate): boolean;
  /** Throws a `RangeError` for an update that lacks what the algorithm needs. Default: it needs no more than any update has. */
  check?(update: ClientUpdate): void;
  /** What lives on from update to update, for a checkpoint. An algorithm that keeps nothing has neither of the two. */
  save?(): StrategyState;
  /** Takes up what {@linkcode save} gave; vectors are copied. Throws when it is not that. */
  restore?(state: StrategyState): void;
}

/**
 * The contract of asynchronous aggregation algorithms.
 *
 * @module
 */

import type { ParameterVector } from "../../params/manifest.ts";
import type { ClientSettings, ClientUpdate, Spans, StrategyState } from "../strategy.ts";

/** One client's update, with the age of the parameters that it started from. */
export interface AsyncUpdate extends ClientUpdate {
  /**
   * The parameters that the client started from, as long as the global vector. The view is valid
   * only during the call.
   */
  readonly base: ParameterVector;
  /**
   * Number of versions made between the start of the training and the arrival of the update: 0 if
   * the client started from the present one.
   */
  readonly staleness: number;
  /**
   * Places of the vector that no gradient trains, as in `RoundInfo`.
   *
   * @default {[]}
   */
  readonly untrained?: Spans;
}

/** An asynchronous algorithm, which takes updates one by one in the order of their arrival. */
export interface AsyncStrategy {
  /** Name in reports, such as `"fedasync"`. */
  readonly name: string;
  /** Number of updates that make a version of the model, at least 1. */
  readonly updatesPerVersion: number;
  /** Settings of the clients that the algorithm changes. */
  readonly clientSettings?: ClientSettings;
  /**
   * Number of vectors as long as the model that the algorithm allocates in the arena of the global
   * one.
   */
  readonly workingVectors: number;
  /**
   * Takes an update, which has been checked, and changes the global vector in place if a new
   * version is due.
   *
   * @returns Whether a version was made: with every
   * {@linkcode AsyncStrategy.updatesPerVersion}-th update.
   */
  accept(global: ParameterVector, update: AsyncUpdate): boolean;
  /**
   * Checks that an update has what the algorithm needs, for one that needs more than every update
   * has.
   *
   * @throws {RangeError} If it has not.
   */
  check?(update: ClientUpdate): void;
  /**
   * Gives the state that lives on from update to update, for a checkpoint. An algorithm without
   * state has neither this method nor `restore`.
   */
  save?(): StrategyState;
  /**
   * Restores a state that {@linkcode save} gave; vectors are copied.
   *
   * @throws {Error} If it is no such state.
   */
  restore?(state: StrategyState): void;
}

/**
 * Interface of client selection policies.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";

/** Knowledge of the server about a client. It belongs to the rank, not to a process. */
export interface KnownClient {
  /** Number of samples that the client has claimed; `undefined` before that. */
  readonly numSamples?: number;
  /** Mean training loss claimed in its last update; `undefined` before the first one. */
  readonly loss?: number;
  /** L2 norm of the change of its last update that counted; `undefined` when it is not known. */
  readonly norm?: number;
  /** Number of steps claimed for that update, or of samples when it claims no steps. */
  readonly work?: number;
  /** Number of rounds for which it was selected and its update was accepted. */
  readonly answered: number;
  /** Number of times it was selected and gave no update that counts: gone, late or refused. */
  readonly dropped: number;
  /** Last round for which it was selected, 0 before the first one. */
  readonly lastRound: number;
  /**
   * Number of updates that it missed, minus half of one for each that counts. A first refused
   * update counts as two. Absent for none.
   */
  readonly misses?: number;
  /**
   * Number of rounds after `lastRound` that it is left out of because of its misses, while there
   * are enough others. Absent for none.
   */
  readonly pause?: number;
}

/** Input of a policy. */
export interface SelectionContext {
  /** The round, from 1. */
  readonly round: number;
  /** Number of earlier tries of the round. */
  readonly attempt: number;
  /** The available ranks, in order; at least one. */
  readonly available: readonly Rank[];
  /** Number of ranks to select, with over-selection; at most the number of available ranks. */
  readonly count: number;
  /** Number of clients in the group, including those that are away. */
  readonly numClients: number;
  /** The run's seed. */
  readonly seed: number;
  /**
   * Knowledge about each rank, in rank order, without the unknown ranks. The map that a server
   * gives is a view, which changes after the selection; copy what is to be kept.
   */
  readonly known: ReadonlyMap<Rank, KnownClient>;
}

/**
 * Policy that selects the cohort of a round.
 *
 * A policy depends on its context alone, so that a resumed run selects as an uninterrupted one:
 * randomness comes from `new Random(seed, "cohort", { round, rank: attempt })`, and memory is in
 * `known`, which is part of the checkpoints.
 *
 * @example A fixed list of clients
 * ```ts
 * import { type ClientSelection, Manifest, SyncParameterServerHandler } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const trusted: ClientSelection = {
 *   name: "trusted",
 *   select: ({ available, count }) =>
 *     [2, 5].filter((rank) => available.includes(rank)).slice(0, count),
 * };
 * const manifest = Manifest.of([{ name: "w", shape: [1] }]);
 * const parameters = new Float32Array(1);
 * const handler = new SyncParameterServerHandler({ manifest, parameters, selection: trusted });
 * assertEquals(handler.selectClients(1, [1, 2, 3, 4, 5], 5), [2, 5]);
 * ```
 */
export interface ClientSelection {
  /** Name of the policy in error messages, such as `"uniform"`. */
  readonly name: string;
  /** Selects 1 to `count` different ranks of the `available` ones, in any order. */
  select(context: SelectionContext): Rank[];
}

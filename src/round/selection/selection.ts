/**
 * Which clients a round takes: the contract that every policy fulfils.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";

/** What the server has learnt of a client so far, by its rank: whoever takes over a rank takes over what is known of it. */
export interface KnownClient {
  /** Number of its samples, as it says; `undefined` when it has not said. */
  readonly numSamples?: number;
  /** Mean training loss of its last update, as it says; `undefined` before the first one. */
  readonly loss?: number;
  /** L2 norm of the change of its last update that counted; `undefined` before the first one, or where it is not known. */
  readonly norm?: number;
  /** Number of steps that it took for that, as it says, or of its samples where it does not. */
  readonly work?: number;
  /** How often it was chosen and its update was taken in. */
  readonly answered: number;
  /** How often it was chosen and gave no update that counts: gone, too late, or refused. */
  readonly dropped: number;
  /** The last round that it was chosen for, 0 before the first one. */
  readonly lastRound: number;
  /** How often it gave no update that counts, less half for each that does; the first one that is refused counts twice. Absent for none. */
  readonly misses?: number;
  /**
   * How many rounds after `lastRound` it is left out of for that, while there are enough others;
   * absent for none.
   */
  readonly pause?: number;
}

/** What a policy chooses by. */
export interface SelectionContext {
  /** The round, from 1. */
  readonly round: number;
  /** How often the round has been tried before. */
  readonly attempt: number;
  /** The ranks that are there, in order; at least one. */
  readonly available: readonly Rank[];
  /** How many to choose: over-selection is in it, and it is at most the number of those who are there. */
  readonly count: number;
  /** Number of clients of the group, those who are away included. */
  readonly numClients: number;
  /** The run's seed. */
  readonly seed: number;
  /** What is known of each rank, in rank order; a rank of which nothing is known is not in it. */
  readonly known: ReadonlyMap<Rank, KnownClient>;
}

/**
 * Chooses the cohort of a round. It depends on nothing but the context: what is random in it draws from
 * `new Random(seed, "cohort", { round, rank: attempt })`, and what it has to remember is in `known`, which is in the checkpoint; so a resumed run
 * chooses as an unbroken one.
 *
 * @example A list of one's own
 * ```ts
 * import { type ClientSelection, Manifest, SyncParameterServerHandler } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const trusted: ClientSelection = {
 *   name: "trusted",
 *   select: ({ available, count }) => [2, 5].filter((rank) => available.includes(rank)).slice(0, count),
 * };
 * const manifest = Manifest.of([{ name: "w", shape: [1] }]);
 * const parameters = new Float32Array(1);
 * const handler = new SyncParameterServerHandler({ manifest, parameters, selection: trusted });
 * assertEquals(handler.selectClients(1, [1, 2, 3, 4, 5], 5), [2, 5]);
 * ```
 */
export interface ClientSelection {
  /** The name that errors carry, such as `"uniform"`. */
  readonly name: string;
  /** Chooses at least one and at most `count` different ranks among the `available` ones, in any order. */
  select(context: SelectionContext): Rank[];
}

/**
 * Selects a cohort by a policy and checks it.
 *
 * @returns The selected ranks, in order.
 * @throws {RangeError} If the policy selects no rank, too many, one twice, or one that is not
 * available.
 */
export function selectCohort(selection: ClientSelection, context: SelectionContext): Rank[] {
  const { round, count, available } = context;
  const cohort = [...selection.select(context)].sort((a, b) => a - b);
  const chosen = new Set(cohort).intersection(new Set(available)).size;
  if (cohort.length === 0 || cohort.length > count || chosen < cohort.length) {
    throw new RangeError(
      `Cannot begin round ${round}: expected ${selection.name} to choose 1 to ${count} different ranks that are there, got ${
        cohort.join(", ") || "none"
      }`,
    );
  }
  return cohort;
}

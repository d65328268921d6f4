/**
 * Base class of the handlers of synchronous servers.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { RingVector } from "../../secure/quantize.ts";
import type { Ring } from "../../secure/ring.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";
import { ServerBackendHandler } from "./server_backend_handler.ts";
import type { SummedUpdates } from "./summed_updates.ts";
import type { UpdateFigures } from "./update_bound.ts";

/** Updates whose change is out of bounds. */
export interface OutOfBounds {
  /** Ranks of the updates, with the limit of the L2 norm of each change. */
  readonly updates: readonly { readonly rank: Rank; readonly limit: number }[];
  /**
   * Set when the algorithm tolerates them: they stay in the round, and its report names them.
   * Otherwise they are refused.
   *
   * @default {false}
   */
  readonly isBorne?: boolean;
}

/**
 * Handler of a server that works in rounds: selects the cohort, takes its updates in and makes the
 * new model.
 */
export abstract class SyncServerBackendHandler extends ServerBackendHandler {
  /** Returns the number of updates that a round of `numClients` clients wants. */
  abstract updatesWanted(numClients: number): number;

  /**
   * Selects the cohort of a round, in rank order.
   *
   * @param round The round, from 1.
   * @param available The ranks that are available.
   * @param numClients Number of clients in the group.
   * @param attempt Number of earlier tries of the round.
   */
  abstract selectClients(
    round: number,
    available: readonly Rank[],
    numClients: number,
    attempt?: number,
  ): Rank[];

  /** Minimum number of updates that the algorithm needs in a round. Default 1. */
  get fewestUpdates(): number {
    return 1;
  }

  /**
   * Called when a client that was selected for a round gave no update that counts, or one that was
   * refused. Default: no-op.
   */
  onDrop(_rank: Rank, _round: number, _isRefused?: boolean): void {}

  /**
   * Returns the clients to leave out of a round while there are enough others, such as those that
   * have missed several rounds in a row. Those to be asked again first come first. Default: none.
   */
  paused(_round: number): readonly Rank[] {
    return [];
  }

  /**
   * Returns the accepted updates of a round that are out of bounds, judged by their figures. The
   * round is tried again without them. Default: none.
   */
  outOfBounds(_updates: ReadonlyMap<Rank, UpdateFigures>): OutOfBounds | undefined {
    return undefined;
  }

  /**
   * The global vector as it was when the round began, a view; a handler without one has it copied.
   *
   * @default {undefined}
   */
  get parametersBefore(): ParameterVector | undefined {
    return undefined;
  }

  /**
   * Takes back the last `updateModel`, also one that has thrown: the global vector and the
   * algorithm's state are as they were when the round began.
   *
   * @returns `false` when the handler cannot do that, as by default.
   */
  revertModel(): boolean {
    return false;
  }

  /**
   * Way of updates that were added up where clients trained, where the handler takes them.
   *
   * @default {undefined}
   */
  get summed(): SummedUpdates | undefined {
    return undefined;
  }

  /** Begins a round of a group of `numClients` clients. */
  abstract beginRound(round: number, numClients: number): void;

  /**
   * Takes in an update that passed `check`. The topology calls it once per rank and round: in rank
   * order, or in any order where `aggregation` is `"exact"`.
   */
  abstract onReceive(sender: Rank, payload: ParameterUpdatePayload): void;

  /**
   * Takes in the sum of a round of secure aggregation in place of single updates: the updates of
   * its survivors, quantized, with their lanes. By default it is refused.
   *
   * @param ranks Ranks of the survivors.
   */
  takeSum(_ring: Ring, _sums: RingVector, _ranks: readonly Rank[]): void {
    throw new Error("Cannot take the sum: this handler knows no secure aggregation");
  }

  /** Ends the round and makes the new global vector. */
  abstract updateModel(): void;
}

/**
 * Former name of {@linkcode SyncServerBackendHandler}.
 *
 * @deprecated Use {@linkcode SyncServerBackendHandler} instead.
 */
export const ParameterServerBackendHandler: typeof SyncServerBackendHandler =
  SyncServerBackendHandler;

/**
 * Former name of {@linkcode SyncServerBackendHandler}.
 *
 * @deprecated Use {@linkcode SyncServerBackendHandler} instead.
 */
export type ParameterServerBackendHandler = SyncServerBackendHandler;

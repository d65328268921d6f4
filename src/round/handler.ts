/**
 * What owns the global model on a server.
 *
 * @module
 */

import type { Rank } from "../base/rank.ts";
import type { BufferPool } from "../params/buffer_pool.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { EvaluateResult } from "../plan/results.ts";
import type { TrainSettings } from "../plan/settings.ts";
import type { StrategyState } from "../strategy/strategy.ts";
import type { Evaluator, ModelDescription } from "../train/handler.ts";
import type { ParameterUpdatePayload } from "../wire/messages.ts";
import type { UpdateFigures } from "./update_bound.ts";

export { DEFAULT_PLAN } from "./global_model.ts";
export { DEFAULT_UPDATE_BOUND, type UpdateFigures } from "./update_bound.ts";

/** Updates that are out of bounds. */
export interface OutOfBounds {
  /** Whose they are, and the most that the L2 norm of each change may be. */
  readonly updates: readonly { readonly rank: Rank; readonly limit: number }[];
  /** Whether the algorithm bears them: they stay in the round, and its report names them. Default false: they are refused. */
  readonly isBorne?: boolean;
}

/** What a handler keeps from round to round, for a checkpoint. */
export interface HandlerState extends StrategyState {
  /** What is known of the clients, as JSON. */
  readonly clients?: unknown;
}

/** What owns the global model, whatever the agreement. A topology calls it and knows nothing of how it aggregates. */
export abstract class ServerBackendHandler {
  /** What the parameter vector holds. */
  abstract readonly manifest: Manifest;
  /** The model's description for the clients; without it every client brings its own model. */
  abstract readonly model: ModelDescription | undefined;
  /** Name of the algorithm, for the report. */
  abstract readonly strategyName: string;
  /** The run's seed. */
  abstract readonly seed: number;
  /** Settings of the clients' training. */
  abstract readonly plan: TrainSettings;
  /** Where updates are read to before they are taken in. */
  abstract readonly staging: BufferPool;
  /** Name of the build of the kernels. */
  abstract readonly kernels: string;

  /** The vector that the algorithm sends to clients beside the parameters, where it has one. */
  get control(): ParameterVector | undefined {
    return undefined;
  }

  /** The global vector: getting gives the view itself, setting copies in. */
  abstract parameters: ParameterVector;

  /**
   * Throws a `ProtocolError` when the update cannot be taken in; changes nothing. Where the plan's rule is `gradient`, the gradient stands in
   * the place of the parameters, here and in `onReceive`.
   *
   * May give the L2 norm of the change that the update is, for the report and for the bound on
   * updates.
   */
  abstract check(sender: Rank, payload: ParameterUpdatePayload): number | void;

  /** A client has joined, or come back, and says how many samples it has. Default: that is of no interest. */
  onJoin(_rank: Rank, _numSamples: number): void {}

  /** What the algorithm and the choice of clients keep from round to round, for a checkpoint. */
  abstract saveState(): HandlerState;

  /** Takes up what `saveState` gave. */
  abstract restoreState(state: HandlerState): void;

  /** Evaluates the global vector, where the server can. */
  abstract readonly evaluate: ((signal?: AbortSignal) => Promise<EvaluateResult>) | undefined;
}

/** The handler of a server that goes round by round: chooses the cohort, takes updates in, makes the new model. */
export abstract class ParameterServerBackendHandler extends ServerBackendHandler {
  /** Number of updates that a round of `numClients` clients wants. */
  abstract updatesWanted(numClients: number): number;

  /**
   * Chooses the cohort of a round among the ranks that are there, of `numClients` in all; the ranks in order. A round that is tried again counts its
   * tries from 0.
   */
  abstract selectClients(
    round: number,
    available: readonly Rank[],
    numClients: number,
    attempt?: number,
  ): Rank[];

  /** Number of updates without which a round is no use to the algorithm. Default 1. */
  get fewestUpdates(): number {
    return 1;
  }

  /**
   * A client was chosen for a round and gave no update that counts, or one that was refused.
   * Default: that is of no interest.
   */
  onDrop(_rank: Rank, _round: number, _isRefused?: boolean): void {}

  /**
   * Clients to leave out of a round while there are enough others, such as those that have missed
   * several rounds in a row; the ones to be asked again first stand first. Default: none.
   */
  paused(_round: number): readonly Rank[] {
    return [];
  }

  /**
   * Of the updates of a round that were taken in, those that are out of bounds, by their figures:
   * the round is tried again without them. Default: none.
   */
  outOfBounds(_updates: ReadonlyMap<Rank, UpdateFigures>): OutOfBounds | undefined {
    return undefined;
  }

  /**
   * Takes back the last `updateModel`, also one that has thrown: the global vector and what the
   * algorithm keeps are as they were when the round was begun. Gives false where the handler
   * cannot. Default: it cannot.
   */
  revertModel(): boolean {
    return false;
  }

  /** Opens a round of a group of `numClients` clients. */
  abstract beginRound(round: number, numClients: number): void;

  /** Takes in an update that has been checked. The topology calls it once a rank and round, in rank order. */
  abstract onReceive(sender: Rank, payload: ParameterUpdatePayload): void;

  /** Closes the round: the global vector becomes the new one. */
  abstract updateModel(): void;
}

/** What the handler of any server is made of. */
export interface ServerHandlerOptions {
  /** What the parameter vector holds. */
  manifest: Manifest;
  /** The initial global vector, `manifest.length` values; it is copied. */
  parameters: ParameterVector;
  /** The model's description for the clients. Default: every client brings its own model. */
  model?: ModelDescription;
  /** Settings of the clients' training; what is left out is as in {@linkcode DEFAULT_PLAN}. */
  plan?: Partial<TrainSettings>;
  /** The run's seed, 0 to 2^32 - 1. Default 0. */
  seed?: number;
  /** Evaluates a vector on the server's own data. Default: the clients evaluate. */
  evaluator?: Evaluator;
  /**
   * How many times the median of a cohort's changes the change of one update may be, in the L2
   * norm, above 1; a change no larger than the model itself is never out of bounds. An update past
   * it is refused, and its round is tried again without it. Robust strategies are held to none.
   * Default 100; `Infinity` for none.
   */
  updateBound?: number;
  /** Number of updates that are held at once. Default: as many as fit in 64 MiB, at least 4 and at most 64. */
  stagingBuffers?: number;
}

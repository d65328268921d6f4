/**
 * Base class of the handlers that own a server's global model.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import type { Schema } from "../../data/schema/schema.ts";
import type { BufferPool } from "../../params/buffer_pool.ts";
import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import type { EvaluateResult } from "../../plan/results.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import type { StrategyState } from "../../strategy/strategy.ts";
import type { ModelDescription } from "../../train/handler.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";

/** State that a handler keeps from round to round, for a checkpoint. */
export interface HandlerState extends StrategyState {
  /** Knowledge about the clients, as JSON. */
  readonly clients?: unknown;
}

/**
 * Owner of the global model on any server. A topology calls it and knows nothing of how it
 * aggregates.
 *
 * {@linkcode SyncServerBackendHandler} is the base of handlers that work in rounds,
 * {@linkcode AsyncServerBackendHandler} of those that take updates in as they come.
 */
export abstract class ServerBackendHandler {
  /** Names and shapes of the tensors in the parameter vector. */
  abstract readonly manifest: Manifest;
  /** The model's description for the clients. Without it, every client brings its own model. */
  abstract readonly model: ModelDescription | undefined;
  /** Schema of the data, by which clients arrange theirs. Default: none. */
  get schema(): Schema | undefined {
    return undefined;
  }

  /** Name of the algorithm, for the report. */
  abstract readonly strategyName: string;
  /** The run's seed. */
  abstract readonly seed: number;
  /** Settings of the clients' training. */
  abstract readonly plan: TrainSettings;
  /** Buffers that updates are read into. */
  abstract readonly staging: BufferPool;
  /** Name of the kernels' build. */
  abstract readonly kernels: string;

  /** Vector that the algorithm sends to clients beside the parameters. Default: none. */
  get control(): ParameterVector | undefined {
    return undefined;
  }

  /** The global vector. Getting it gives the view itself, setting it copies. */
  abstract parameters: ParameterVector;

  /**
   * Checks an update without changing anything. Where the plan's rule is `gradient`, the gradient
   * stands in place of the parameters, here and in `onReceive`.
   *
   * @returns The L2 norm of the update's change, for the report and the bound on updates; optional.
   * @throws {ProtocolError} If the update cannot be accepted.
   */
  abstract check(sender: Rank, payload: ParameterUpdatePayload): number | void;

  /** Called when a client has joined or reconnected, with its number of samples. Default: no-op. */
  onJoin(_rank: Rank, _numSamples: number): void {}

  /** Returns the state of the algorithm and the client selection, for a checkpoint. */
  abstract saveState(): HandlerState;

  /** Restores the state that `saveState` returned. */
  abstract restoreState(state: HandlerState): void;

  /** Evaluates the global vector; `undefined` when the server cannot. */
  abstract readonly evaluate: ((signal?: AbortSignal) => Promise<EvaluateResult>) | undefined;
}

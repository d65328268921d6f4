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
import type { AllowedSettings } from "../../plan/own_settings.ts";
import type { LearningRateSchedule } from "../../plan/schedule.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import type { PrivacyTerms } from "../../strategy/privacy.ts";
import type { StrategyState } from "../../strategy/strategy.ts";
import type { Aggregation } from "../../strategy/sums/sums.ts";
import type { ModelDescription } from "../../train/handler.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";
import type { SecureTerms } from "../secure/terms.ts";
import type { ServerCodecs } from "./server_codecs.ts";

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
  /** Settings of the clients' training; those of a round are given by `planFor`. */
  abstract readonly plan: TrainSettings;
  /** Buffers that updates are read into. */
  abstract readonly staging: BufferPool;
  /** Name of the kernels' build. */
  abstract readonly kernels: string;

  /**
   * Returns the settings of the clients' training in a round; in an asynchronous run, of tasks that
   * begin from the version before it. Default: `plan`. A topology asks once a round, and sends the
   * settings to the clients of the round where they differ from `plan`. The rule is the same in all
   * rounds.
   *
   * @param _round The round, from 1.
   */
  planFor(_round: number): TrainSettings {
    return this.plan;
  }

  /** Schedule of the learning rate, for the report. Default: none. */
  get schedule(): LearningRateSchedule | undefined {
    return undefined;
  }

  /**
   * Way in which updates are added up. Default: `"running"`. A synchronous topology calls
   * `onReceive` in rank order, or in any order where this is `"exact"`.
   */
  readonly aggregation: Aggregation = "running";

  /** Settings that clients may choose themselves. Default: none. */
  get allows(): AllowedSettings | undefined {
    return undefined;
  }

  /** Demands and guarantee of an algorithm that keeps clients private. Default: none. */
  get privacy(): PrivacyTerms | undefined {
    return undefined;
  }

  /** Terms of secure aggregation, where updates are masked. Default: none. */
  readonly secure: SecureTerms | undefined = undefined;

  /**
   * Set in a closed run: nobody may learn figures of a single client, because updates are masked or
   * the algorithm keeps clients private.
   */
  get isClosed(): boolean {
    return this.secure !== undefined || this.privacy !== undefined;
  }

  /** Codecs of updates and parameters. Default: none. */
  readonly codecs: ServerCodecs | undefined = undefined;

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

  /**
   * Called when a client has joined or reconnected, with its number of samples, and the identity of
   * the key that its rank belongs to, if it has one. Default: no-op.
   */
  onJoin(_rank: Rank, _numSamples: number, _key?: string): void {}

  /** Returns the state of the algorithm and the client selection, for a checkpoint. */
  abstract saveState(): HandlerState;

  /** Restores the state that `saveState` returned. */
  abstract restoreState(state: HandlerState): void;

  /** Evaluates the global vector; `undefined` when the server cannot. */
  abstract readonly evaluate: ((signal?: AbortSignal) => Promise<EvaluateResult>) | undefined;
}

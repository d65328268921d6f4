import type { ProtocolError } from "../base/errors.ts";
import type { Rank } from "../base/rank.ts";
import type { Tracer } from "../base/tracer.ts";
import type { TrainingExchange } from "./cohort/training_exchange.ts";
import type { SyncServerBackendHandler } from "./handler/sync_server_backend_handler.ts";
import type { RoundLimits } from "./limits.ts";
import type { EvaluationSummary } from "./report/evaluation_summary.ts";
import type { ServerEvent } from "./report/events.ts";
import type { TrainedRound } from "./round_attempts.ts";

/** Server or simulation that a round runs on. */
export interface RoundHost {
  readonly handler: SyncServerBackendHandler;
  /** Number of clients in the group. */
  readonly numClients: number;
  readonly limits: RoundLimits;
  /** Observer of the round's steps. */
  readonly tracer?: Tracer | undefined;
  /** Waits until at least `least` ranks are available, and returns all that are. */
  available(least: number): Promise<readonly Rank[]>;
  /** Opens the training of a cohort, where it is not a plain exchange of updates. */
  openTraining?(round: number, cohort: readonly Rank[], options: AttemptOptions): TrainingExchange;
  /**
   * Opens the training of a round again that has all of its updates: the run was resumed before
   * their sum was told. Its cohort is not chosen anew.
   */
  reopenTraining?(): TrainingExchange | undefined;
  /** Has the cohort train, until each of its ranks is settled. */
  train(training: TrainingExchange): Promise<void>;
  /**
   * Saves the model of a private round with the account of what is released. Nothing of the model
   * is told before: it is neither evaluated nor reported nor sent.
   */
  saveRelease(trained: TrainedRound): Promise<void>;
  /** Evaluates the model. */
  evaluate(training: TrainingExchange): Promise<EvaluationSummary>;
  /** Returns the loss of the model before the round, when it is known. */
  lossBefore(): number | undefined;
  /** Called after the round's model was made. */
  onModelUpdated(training: TrainingExchange): void;
  /** Called after the model that was made last was taken back. */
  onModelReverted(): void;
  /** Called after an accepted update was refused after all. */
  onRevoked(error: ProtocolError, update: RevokedUpdate): void;
  emit(event: ServerEvent): void;
  warn(text: string): void;
}

/** Options of the training of a cohort. */
export interface AttemptOptions {
  /** Number of the attempt, larger than that of any before it at the round, in any process. */
  readonly attempt: number;
  /** Number of updates that end the training. */
  readonly enough: number;
  /** Number of updates that completes the round. */
  readonly quorum: number;
}

/** Update that was accepted and refused later. */
export interface RevokedUpdate {
  /** Rank of its sender. */
  readonly rank: Rank;
  /** Round that it was accepted in. */
  readonly round: number;
  /** L2 norm of the change, when it is known. */
  readonly norm?: number | undefined;
}

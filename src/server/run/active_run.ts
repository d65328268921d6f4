import type { ProtocolError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import type { Tracer } from "../../base/tracer.ts";
import type { EvaluationSummary } from "../../round/report/evaluation_summary.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import type { EvaluationExchange } from "../../round/cohort/evaluation_exchange.ts";
import type { TrainingExchange } from "../../round/cohort/training_exchange.ts";
import type { RoundReport } from "../../round/report/report.ts";
import type { CodedParameters, SentModel } from "../../round/handler/server_codecs.ts";
import type { RevokedUpdate } from "../../round/round_host.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { EvaluateResult } from "../../plan/results.ts";
import type { ToldTraining } from "../../secure/told.ts";
import type { Message, ParameterUpdatePayload } from "../../wire/messages.ts";
import type { OpenSums } from "./open_sums.ts";
import type { RoundCosts } from "./round_costs.ts";

/** Outcome of the tries of a round in its report. */
export type RoundTries = Pick<
  RoundReport,
  "tries" | "dropped" | "losses" | "lossesOmitted" | "outliers" | "paused"
>;

/** Operations of a run in progress, for the methods of its topology. */
export interface ActiveRun {
  /** Name of the run. */
  readonly name: string;
  /** Training as clients are told of it when they join, without the settings of a round. */
  readonly told: ToldTraining;
  /** Signal that stops the run. */
  readonly signal: AbortSignal | undefined;
  /** Reports of the rounds that have ended. */
  readonly rounds: readonly RoundReport[];
  /** EvaluationExchange after the last round, if there was one. */
  readonly lastEvaluation: EvaluateResult | undefined;
  /** Ranks of the connected clients, in order. */
  readonly clients: readonly Rank[];
  /** Exchange in progress. */
  readonly exchange: TrainingExchange | EvaluationExchange | undefined;

  /**
   * Waits until at least `least` clients are connected or expected back, for the join time-out at
   * most.
   *
   * @returns The ranks of all those clients.
   * @throws {DeadlineError} If there are fewer of them at the end.
   */
  waitForClients(least: number): Promise<readonly Rank[]>;

  /** Runs an exchange with its cohort, by the topology's `performExchange`. */
  runExchange<Exchange extends TrainingExchange | EvaluationExchange>(
    exchange: Exchange,
  ): Promise<Exchange>;

  /** Sends the parameters of the exchange in progress; a disconnected client gets them later. */
  sendParameters(rank: Rank): void;

  /**
   * Returns the field `plan` of the messages of a round: the settings that the handler has for it,
   * where they differ from those that the clients were assigned on joining.
   */
  planField(round: number): Pick<ParameterUpdatePayload, "plan">;
  /** Observer of the steps of the run, as far as they may be told. */
  readonly tracer: Tracer | undefined;

  /** Returns what a client is sent of a parameter vector: the part that travels. */
  partFor(rank: Rank, parameters: ParameterVector): ParameterVector;

  /** Sends the parameters to the cohort of the exchange in progress. */
  sendToCohort(): void;

  /** Waits until each client of the cohort has answered, is gone, or has passed its deadline. */
  collectAnswers(): Promise<void>;

  /** Disconnects the clients of the cohort that have not read all of the parameters yet. */
  disconnectSlowReceivers(): void;

  /**
   * Evaluates the parameters on the server or, where the handler has no evaluator, on the clients
   * of those ranks.
   */
  evaluate(round: number, ranks: readonly Rank[]): Promise<EvaluationSummary>;

  /**
   * Sends a message to a client.
   *
   * @returns Whether the client is connected.
   */
  send(rank: Rank, message: Message): boolean;

  /** Reports whether the client of a rank knows the codec of the downlink. */
  readsCodes(rank: Rank): boolean;

  /**
   * Returns the fields by which a client that knows the codec of the downlink gets parameters;
   * `undefined` if it is sent them as they are.
   *
   * @param number Number that the client will know the parameters by.
   */
  codedFor(rank: Rank, vectors: SentModel, number: number): CodedParameters | undefined;

  /** Returns the Ed25519 key of a client, 32 bytes, if it has proved one. */
  publicKeyOf(rank: Rank): Uint8Array<ArrayBuffer> | undefined;

  /** Reports whether a message to the client has not been sent completely. */
  isSending(rank: Rank): boolean;

  /** Closes the connection of a client, which may come back. */
  disconnect(rank: Rank, reason: string): void;

  /** Records an event and passes it to the application. */
  emit(event: ServerEvent): void;

  /** Writes a warning to the log. */
  warn(text: string): void;

  /** Refuses an update that was accepted before: its sender is told and stays. */
  refuseUpdate(error: ProtocolError, update: RevokedUpdate): void;

  /** Counts a client's notice that it has no update for a round. */
  countCannotTrain(rank: Rank, round: number, message: string): void;

  /** Counts the training's updates as accepted: they are in the model, whose report is to come. */
  markAccepted(training: TrainingExchange): void;

  /** Takes back the last `markAccepted`, together with the model. */
  unmarkAccepted(): void;

  /** Round of the rank's last accepted update, 0 for none. */
  lastAcceptedRound(rank: Rank): number;

  /**
   * Saves the model of a private round with the account of what is released. Nothing of the model
   * may be told before: `evaluate`, `endRound` and further exchanges refuse it. A run without a
   * store of checkpoints saves nothing.
   *
   * @throws {Error} If it cannot be saved for some seconds.
   */
  saveRelease(training: TrainingExchange, tries?: RoundTries): Promise<void>;

  /** Masked sum of the open round, in the run's checkpoints. */
  readonly openSums: Pick<OpenSums, "save" | "take">;

  /** Ends a round of one training: records, logs and emits its report. */
  endRound(training: TrainingExchange, evaluated: EvaluationSummary, tries?: RoundTries): void;

  /** Records, logs and emits a round's report, to which the round's costs are added. */
  recordRound(
    report: Omit<RoundReport, keyof RoundCosts>,
    evaluation: EvaluateResult | undefined,
  ): void;
}

/**
 * Base class of server topologies.
 *
 * @module
 */

import { ProtocolError } from "../base/errors.ts";
import type { Rank } from "../base/rank.ts";
import { traced } from "../base/tracer.ts";
import { type Timeouts, timeoutsOf } from "../net/timeouts.ts";
import type { ParameterVector } from "../params/manifest.ts";
import { unexpectedUpdate } from "../round/cohort/unexpected.ts";
import type { UpdateStart } from "../round/handler/server_codecs.ts";
import { type ReceivedUpdate, receivedUpdate } from "./run/received_update.ts";
import type { ServerBackendHandler } from "../round/handler/server_backend_handler.ts";
import type { SyncServerBackendHandler } from "../round/handler/sync_server_backend_handler.ts";
import { taskOf } from "../round/handler/task.ts";
import { checkStopping } from "../round/record/run_monitor.ts";
import type { IncomingBody } from "../round/cohort/answer.ts";
import type { CohortCollector } from "../round/cohort/cohort_collector.ts";
import type { BestModel } from "../round/record/best_tracker.ts";
import type { RunRecord } from "../round/record/run_record.ts";
import type { RunReport } from "../round/report/report.ts";
import { MessageCode } from "../wire/message_code.ts";
import type { AgreementMode, ErrorPayload, ParameterUpdatePayload } from "../wire/messages.ts";
import { checkServerOptions, PROBLEM, type ServerTopologyOptions } from "./options.ts";
import type { ActiveRun } from "./run/active_run.ts";
import { recordOf } from "./run/record_of.ts";
import { dropClient } from "./run/drop_client.ts";
import type { ServerRun } from "./run/run.ts";
import type { MessageArguments } from "./run/server_topology.ts";
import type { JoinedClient } from "./sessions/registration.ts";

/**
 * Server side of a communication agreement: decides which messages are sent when, while the handler
 * owns the model.
 *
 * The class runs the sessions of the clients, lets them come back, and keeps the record and the
 * checkpoints. A subclass defines an agreement: it implements `runRound` with the operations of
 * `activeRun`. The other methods may be overridden; by default they train the cohort of the open
 * exchange. {@linkcode ServerSyncTop} and {@linkcode ServerAsyncTop} are examples.
 */
export abstract class ServerCommunicationTopology<
  Handler extends ServerBackendHandler = SyncServerBackendHandler,
> {
  /** Owner of the global model. */
  readonly handler: Handler;
  /** Time-outs in force. */
  readonly timeouts: Timeouts;
  /** Options as given. */
  readonly options: Readonly<ServerTopologyOptions>;
  readonly #record: RunRecord;
  #run: ServerRun | undefined;

  /**
   * Creates a server; nothing is opened before `run`.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor(handler: Handler, options: ServerTopologyOptions) {
    checkServerOptions(options);
    checkStopping(options.stopping ?? {}, PROBLEM, taskOf(handler));
    this.handler = handler;
    this.timeouts = timeoutsOf(options.timeouts);
    this.options = options;
    this.#record = recordOf(handler, options);
  }

  /** Reports on the run so far, or on the last run, also after `run` has rejected. */
  async report(): Promise<RunReport> {
    return await this.#record.report();
  }

  /** Model of the best round, with the option `keepBest` of `stopping`; `undefined` for none. */
  get best(): BestModel | undefined {
    return this.#record.best;
  }

  /**
   * Runs the federation: gathers the clients, runs the rounds, saves checkpoints, and ends all
   * sessions. Not to be overridden. The final vector is `handler.parameters`.
   *
   * @throws {DeadlineError} If too few clients join, or remain.
   * @throws The signal's reason, if it is aborted.
   */
  async run({ signal }: { signal?: AbortSignal } = {}): Promise<RunReport> {
    signal?.throwIfAborted();
    const { withRun } = await import("./run/run.ts");
    return await withRun({ topology: this, record: this.#record, signal }, async (run) => {
      this.#run = run;
      using _control = this.options.control?.bind((rank) => dropClient(run.sessions, rank));
      try {
        this.beginRun();
        return await run.runAndReport(() => this.#runRounds(run));
      } finally {
        this.#run = undefined;
      }
    });
  }

  get #active(): ServerRun {
    if (this.#run !== undefined) return this.#run;
    throw new Error("Cannot talk to clients: the topology is not running");
  }

  async #runRounds(run: ServerRun): Promise<void> {
    const { rounds } = this.#record;
    try {
      while (!this.#record.isOver) {
        const round = rounds.length + 1;
        await this.options.control?.whilePaused(run.signal);
        run.costs.startRound();
        await traced(run.tracer, { name: "round", round }, async () => {
          await this.runRound(round);
          if (rounds.length >= round && this.isCheckpointDue(round)) await run.save();
        });
      }
    } finally {
      this.endRounds();
    }
  }

  /** Operations of the run in progress. */
  protected get activeRun(): ActiveRun {
    return this.#active.operations;
  }

  /** Runs a round and ends it by `activeRun.endRound` or `recordRound`; else it is run again. */
  protected abstract runRound(round: number): Promise<void>;

  /** Prepares for a new run, before any client joins. Does nothing by default. */
  protected beginRun(): void {}

  /** Cleans up after the last round, also if it has failed. Does nothing by default. */
  protected endRounds(): void {}

  /** Reports whether a checkpoint is saved after the round. By default after every round. */
  protected isCheckpointDue(_round: number): boolean {
    return true;
  }

  /** Agreement that clients are told to follow. By default `"sync"`: they train when asked to. */
  get mode(): AgreementMode {
    return "sync";
  }

  /** Name of a round in the log. */
  get roundName(): string {
    return "Round";
  }

  /** Message codes that clients may send besides updates, figures, `Exit` and `Error`. */
  get messageCodes(): readonly MessageCode[] {
    return [];
  }

  /** True while the first round is in progress. */
  get hasBegun(): boolean {
    return this.#run?.exchanges.open !== undefined;
  }

  /** Parameters that are sent to clients. By default the handler's global vector. */
  get parametersToSend(): ParameterVector {
    return this.handler.parameters;
  }

  /** Sends the messages of the open exchange, and waits for the answers. */
  async performExchange(): Promise<void> {
    this.activateClients();
    await this.listenClients();
  }

  /** Sends the global parameters to the cohort; clients that are away get them on coming back. */
  protected activateClients(): void {
    this.activeRun.sendToCohort();
  }

  /** Waits until each client of the cohort has answered, is gone, or has passed its deadline. */
  protected async listenClients(): Promise<void> {
    await this.activeRun.collectAnswers();
    // The vector is about to change: a client still reading it would get a mixture of two.
    this.activeRun.disconnectSlowReceivers();
  }

  /** Round for which an update of the rank is expected. */
  pendingRound(rank: Rank): number | undefined {
    const collector = this.#collector;
    return collector?.isPending(rank) ? collector.round : undefined;
  }

  /** Round of the rank's last accepted update, 0 for none, `undefined` if not known. */
  lastAcceptedRound(rank: Rank): number | undefined {
    return this.activeRun.lastAcceptedRound(rank);
  }

  /** Decides whether an update that begins to arrive may be read; the decision may have to wait. */
  admitUpdate(rank: Rank, body: IncomingBody): boolean | Promise<boolean> {
    return this.#collector?.admit(rank, body) ?? false;
  }

  /** Called when an update has its place and is about to be read. */
  startUpdate(rank: Rank): void {
    this.#collector?.markReading(rank);
  }

  /** Called when an update that was begun waits, and is not read until it is started again. */
  holdUpdate(rank: Rank): void {
    this.#collector?.markWaiting(rank);
  }

  /** Called when an admitted update was accepted, was refused, or broke off. */
  releaseUpdate(rank: Rank): void {
    this.#collector?.withdraw(rank);
  }

  /** Error for an update that was not admitted. */
  unexpectedUpdate(rank: Rank): ProtocolError {
    return unexpectedUpdate(rank, this.#collector);
  }

  /**
   * Acts on a client's message. `Exit` and a fatal `Error` end its session.
   *
   * @throws {ProtocolError} If the message is refused.
   */
  onReceive(sender: Rank, ...message: MessageArguments): void | Promise<void> {
    const [code, payload] = message;
    switch (code) {
      case MessageCode.ParameterUpdate:
        return this.#takeUpdate(sender, { code, payload });
      case MessageCode.CompressedUpdate:
        return this.#takeUpdate(sender, { code, payload });
      case MessageCode.GradientUpdate:
        return this.#takeUpdate(sender, { code, payload });
      default:
        return this.#active.handleControl(sender, message);
    }
  }

  #takeUpdate(sender: Rank, message: ReceivedUpdate): void | Promise<void> {
    const start = this.startOf(sender);
    let update: ParameterUpdatePayload;
    try {
      update = receivedUpdate(sender, message, this.handler, start);
    } catch (error) {
      const isExpected = message.payload.round === this.pendingRound(sender);
      if (error instanceof ProtocolError && isExpected) this.onUndecodable(sender, error);
      throw error;
    }
    return this.onUpdate(sender, update);
  }

  /** Called when the update that is expected of a rank cannot be decoded, and is refused. */
  protected onUndecodable(sender: Rank, error: ProtocolError): void {
    this.#run?.exchanges.training?.refuse(sender, error);
  }

  /** Vectors that an update of the rank is related to; `undefined` if none is expected. */
  startOf(rank: Rank): UpdateStart | undefined {
    return this.#run?.exchanges.startOf(rank);
  }

  /**
   * Takes an admitted update; a gradient takes the place of the parameters.
   *
   * @throws {ProtocolError} If the update is refused.
   */
  protected onUpdate(sender: Rank, update: ParameterUpdatePayload): void | Promise<void> {
    return this.#active.exchanges.acceptUpdate(sender, update);
  }

  /**
   * Takes a client's notice that it has no update for a round, and stays.
   *
   * @throws {ProtocolError} If no update is expected of it.
   */
  onCannotTrain(sender: Rank, notice: ErrorPayload): void {
    const round = this.#active.exchanges.settleCannotTrain(sender, notice);
    this.activeRun.countCannotTrain(sender, round, notice.message);
  }

  /** Called when a client is ready, for the first time or again. */
  onJoin({ rank, round }: JoinedClient): void {
    const pending = this.pendingRound(rank);
    if (pending !== undefined && pending !== round) this.activeRun.sendParameters(rank);
  }

  /** Called when a client's connection is lost; the client is expected back. */
  onDisconnect(_rank: Rank, _reason: string): void {}

  /** Called when a client has left, or is not expected back any more. */
  onLeave(_rank: Rank, _reason: string): void {}

  /** State of the cohort that is being trained. */
  get #collector(): CohortCollector | undefined {
    return this.#run?.exchanges.training?.collector;
  }
}

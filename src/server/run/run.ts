import { errorMessage } from "../../base/errors.ts";
import { type Logger, openLog } from "../../base/log/log.ts";
import { MEMBER_LINES, PeerLog, STRANGER_LINES } from "../../base/log/peer_log.ts";
import { shortened } from "../../base/printable.ts";
import type { Rank } from "../../base/rank.ts";
import { transportOf } from "../../net/backend.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import { toldEvent } from "../../round/report/private_events.ts";
import { HeldModels } from "../../round/handler/held_models.ts";
import { ToldTraining } from "../../secure/told.ts";
import type { RunRecord } from "../../round/record/run_record.ts";
import type { RunReport } from "../../round/report/report.ts";
import { earlyStopText } from "../../round/report/early_stop.ts";
import { CheckpointSaver } from "../../round/record/checkpoint_saver.ts";
import { MOST_REASON_LENGTH } from "../../wire/messages/exit.ts";
import { DEFAULT_SERVER_NAME } from "../options.ts";
import { completePeerLimits } from "../sessions/peer_limits.ts";
import type { JoinReply } from "../sessions/registration.ts";
import type { SavedRanks } from "../../round/record/saved_state.ts";
import { SchemaAgreement } from "../sessions/schema_agreement.ts";
import { Sessions } from "../sessions/sessions.ts";
import { handleControl } from "./control_messages.ts";
import { checkDescriptors } from "./descriptors.ts";
import { ExchangeRunner } from "./exchange_runner.ts";
import { gatherClients } from "./gathering.ts";
import { joinReplyOf } from "./join_reply.ts";
import { OpenSums } from "./open_sums.ts";
import { PROGRESS } from "./progress_events.ts";
import { RoundCostCounter } from "./round_costs.ts";
import type { RunContext } from "./run_context.ts";
import { RunOperations } from "./run_operations.ts";
import type { MessageArguments, ServerTopology } from "./server_topology.ts";
import { SessionHandler } from "./session_handler.ts";
import { SubModels } from "./sub_models.ts";
import { toldTracer } from "./told_tracer.ts";
import { Uploads } from "../uploads/uploads.ts";

/** Objects that a run is made of. */
interface RunParts {
  readonly topology: ServerTopology;
  readonly record: RunRecord;
  readonly logger: Logger;
  readonly signal: AbortSignal | undefined;
  readonly subModels: SubModels;
  readonly held: HeldModels | undefined;
}

/** Run in progress, from the first client that joins to the last that leaves. */
export class ServerRun implements RunContext, AsyncDisposable {
  readonly topology: ServerTopology;
  readonly record: RunRecord;
  readonly logger: Logger;
  readonly signal: AbortSignal | undefined;
  readonly assigned: TrainSettings;
  readonly told: ToldTraining;
  readonly subModels: SubModels;
  readonly sessions: Sessions;
  readonly costs: RoundCostCounter;
  readonly held: HeldModels | undefined;
  readonly exchanges: ExchangeRunner;
  /** Operations for the methods of the topology. */
  readonly operations: RunOperations;
  readonly peers: { readonly members: PeerLog; readonly strangers: PeerLog };
  readonly tracer: RunContext["tracer"];
  readonly openSums: OpenSums;
  readonly #uploads: Uploads;
  readonly #saver: CheckpointSaver;
  #progress = 0;

  constructor(parts: RunParts, joinReply: JoinReply, saved: SavedRanks | undefined) {
    const { topology, record, logger, signal, subModels, held } = parts;
    const { options, timeouts } = topology;
    this.topology = topology;
    this.tracer = toldTracer(options.tracer, topology.handler);
    this.exchanges = new ExchangeRunner(this);
    this.operations = new RunOperations(this, this.exchanges);
    this.record = record;
    this.logger = logger;
    this.signal = signal;
    this.subModels = subModels;
    this.assigned = joinReply.plan;
    this.told = new ToldTraining(joinReply);
    this.held = held;
    this.peers = {
      members: new PeerLog(logger, MEMBER_LINES),
      strangers: new PeerLog(logger, STRANGER_LINES),
    };
    this.#uploads = new Uploads({
      topology,
      training: () => this.exchanges.training,
      traffic: () => this.sessions.bytes.up + this.sessions.bytes.down,
      onSlow: (rank, reason) => {
        this.exchanges.open?.collector.settle(rank, "dropped", reason);
        this.sessions.disconnect(rank, reason);
      },
      warn: (text) => logger.warn(text),
      whole: (rank, message) => subModels.whole(rank, message),
    });
    this.costs = new RoundCostCounter({
      takeSpilled: () => this.#uploads.takeSpilledBytes(),
      // Masked updates have one size.
      isPrivate: topology.handler.privacy !== undefined && topology.handler.secure === undefined,
    });
    this.#saver = new CheckpointSaver({
      save: () => {
        const ranks = () => ({ ...this.sessions.registry.saved, ...this.openSums.state });
        return record.save(ranks, this.openSums.vectors);
      },
      round: () => record.lastRound,
      tries: options.saveTries,
      tracer: options.checkpoints && this.tracer,
      emit: (event) => this.emit(event),
      warn: (text) => logger.warn(text),
    });
    this.openSums = new OpenSums(options, () => this.#saver.save());
    this.sessions = new Sessions({
      worldSize: options.worldSize,
      saved,
      keptRanks: options.keptRanks,
      joinOptions: {
        gatekeeper: options.gatekeeper ?? { kind: "open" },
        serverName: options.serverName ?? DEFAULT_SERVER_NAME,
        reply: joinReply,
        schemas: new SchemaAgreement(joinReply.schemaDigest),
      },
      limits: completePeerLimits(options.limits, options.worldSize),
      timeouts,
      peers: this.peers,
      listener: new SessionHandler(this, this.exchanges, this.#uploads),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#uploads[Symbol.asyncDispose]();
    this.peers.strangers[Symbol.dispose]();
    this.peers.members[Symbol.dispose]();
  }

  get progress(): number {
    return this.#progress;
  }

  /** Gathers the clients, runs the rounds, and reports; ends all sessions in any case. */
  async runAndReport(runRounds: () => Promise<void>): Promise<RunReport> {
    const { topology: { options }, sessions, record, logger } = this;
    const transport = transportOf(options.distBackend ?? "tcp");
    await this.operations.endUntold();
    await this.#uploads.start();
    await checkDescriptors(options, transport.name, (text) => logger.warn(text));
    const listener = await transport.listen(options.listen);
    const accepting = sessions.accept(listener);
    let reason = "the run is over", isOver = true, isFollowed = false;
    try {
      this.emit({ type: "listening", address: listener.address });
      logger.info(
        `Listening on ${transport.name} ${listener.address} for ${options.worldSize - 1} clients`,
      );
      // A checkpoint after the last round needs no clients: only the report is missing.
      if (!record.isOver) await gatherClients(this);
      else if (record.stopped) logger.warn(earlyStopText(record.stopped));
      this.costs.reset(sessions.bytes);
      await runRounds();
      const report = await record.report();
      isFollowed = this.topology.options.isFollowed ?? false;
      if (isFollowed) reason = "the next run begins here";
      this.emit({ type: "finished", report });
      logger.info(
        `The run is over after ${report.seconds.toFixed(1)} s${
          this.topology.handler.manifest.length === 0 ? "" : `, model ${report.modelDigest}`
        }`,
      );
      return report;
    } catch (error) {
      reason = shortened(`the run stopped: ${errorMessage(error)}`, MOST_REASON_LENGTH);
      // A run that its signal has stopped is not to be resumed.
      isOver = this.signal?.aborted ?? false;
      logger.error(errorMessage(error));
      this.emit({ type: "stopped", reason: errorMessage(error) });
      throw error;
    } finally {
      const exit = { reason, over: isOver, ...(isFollowed && { next: true }) };
      await sessions.closeAll(exit);
      listener.close();
      await accepting;
      await sessions.closeAll(exit);
    }
  }

  /**
   * Acts on a message that carries no update.
   *
   * @throws {ClientLeftError} If the client ends its session.
   * @throws {ProtocolError} If the topology does not expect such a message.
   */
  handleControl(sender: Rank, message: MessageArguments): void {
    handleControl(sender, message, this.topology, this.exchanges);
  }

  emit(event: ServerEvent): void {
    if (PROGRESS.has(event.type)) this.#progress++;
    const { handler, options } = this.topology, told = toldEvent(event, handler);
    if (told === undefined) return;
    // The records would tell who is in secret cohorts, also in checkpoints.
    if (handler.privacy === undefined) this.record.members.onEvent(told);
    options.onEvent?.(told);
  }

  /**
   * Saves a checkpoint. A save that fails is tried again after the next round; the last one is
   * tried again at once.
   */
  async save(): Promise<void> {
    if (this.record.isOver) await this.#saver.saveLast(this.signal);
    else if (!this.record.isSaved) await this.#saver.save();
  }

  async saveRelease(): Promise<void> {
    if (!this.topology.handler.privacy) return await this.#saver.save();
    await this.#saver.saveRelease(this.signal);
  }
}

/**
 * Begins a run, or resumes that of the checkpoint in the topology's options; closes its log and
 * timers when `body` has ended.
 */
export async function withRun<Result>(
  { topology, record, signal }: Omit<RunParts, "logger" | "subModels" | "held">,
  body: (run: ServerRun) => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted();
  const { checkpoints, distBackend = "tcp", logger, ...options } = topology.options;
  // An unknown transport is reported before a log file is made.
  transportOf(distBackend);
  using log = openLog({
    ...options.log,
    loggerFile: options.loggerFile ?? "serverLog",
    loggerName: options.loggerName || "server",
    ...(logger && { logger }),
  });
  using _lock = checkpoints?.hold?.();
  const saved = await record.begin();
  const subModels = await SubModels.of(topology.handler);
  const held = await HeldModels.ofServer(topology.handler.codecs);
  const joinReply = await joinReplyOf(topology, record.name, subModels);
  const parts = { topology, record, logger: log.logger, signal, subModels, held };
  await using run = new ServerRun(parts, joinReply, saved);
  return await body(run);
}

import { MEMBER_LINES, PeerLog, STRANGER_LINES } from "../base/log/peer_log.ts";
import { shortened } from "../base/printable.ts";
import { DeadlineError, errorMessage, type ProtocolError } from "../base/errors.ts";
import { openLog } from "../base/log/log.ts";
import { transportOf } from "../net/backend.ts";
import type { Rank } from "../base/rank.ts";
import { withDeadline } from "../base/time/with_deadline.ts";
import { MOST_REASON_LENGTH } from "../wire/messages/exit.ts";
import { MessageCode } from "../wire/message_code.ts";
import type { ErrorPayload, Message } from "../wire/messages.ts";
import {
  type Agreement,
  checkUpdateCode,
  type Parts,
  type Run,
  unexpectedCode,
} from "./agreement.ts";
import { isCannotTrain, unexpectedRefusal } from "../round/cohort/unexpected.ts";
import { Conversation } from "./conversation.ts";
import { refusedEvent } from "../round/report/update_events.ts";
import { TrainingExchange } from "../round/cohort/training_exchange.ts";
import { unexpectedUpdate } from "../round/cohort/unexpected.ts";
import { openSessions } from "./reception.ts";
import { RunRecord } from "../round/record/run_record.ts";
import { CheckpointSaver } from "../round/record/checkpoint_saver.ts";
import { FarewellError } from "./sessions/sessions.ts";
import { Uploads } from "./uploads.ts";
import type { RevokedUpdate } from "../round/run_round.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { RoundReport, RunReport } from "../round/report/report.ts";

/** Events by which a run gets on, whatever its clients do. */
const PROGRESS: ReadonlySet<ServerEvent["type"]> = new Set([
  "round-started",
  "update-received",
  "round-retried",
  "round-ended",
  "checkpoint",
]);

/** A server's clients from the first who joins to the last who leaves, and the run's record: what is alike in every agreement. */
export class Federation {
  readonly record: RunRecord;
  readonly conversation: Conversation;
  readonly #parts: Parts;
  readonly #agreement: Agreement;
  readonly #saves: CheckpointSaver;
  #run: Run | undefined;
  /** Number of messages that were refused since they were last counted. */
  #refused = 0;
  /** Another number whenever the run has got on. */
  #progress = 0;
  /** Bytes that were counted already. */
  #counted = { up: 0, down: 0 };

  constructor(parts: Parts, agreement: Agreement) {
    const { options } = parts;
    this.record = new RunRecord(parts.handler, {
      ...options,
      get transport() {
        return transportOf(options.distBackend ?? "tcp").name;
      },
    });
    this.conversation = new Conversation(parts, agreement, () => this.run);
    this.#parts = parts;
    this.#agreement = agreement;
    this.#saves = new CheckpointSaver({
      save: () => this.record.save(this.run.sessions.seats.saved),
      round: () => this.record.rounds.length,
      tries: options.saveTries,
      emit: (event) => this.tell(event),
      warn: (text) => this.run.logger.warn(text),
    });
  }

  /** What there is of the run that goes on. */
  get run(): Run {
    if (this.#run === undefined) {
      throw new Error("Cannot talk to clients: the topology is not running");
    }
    return this.#run;
  }

  /** Opens the doors, gathers the clients, does the work, and takes leave of them, however it ends. */
  async conduct(signal: AbortSignal | undefined, work: () => Promise<void>): Promise<RunReport> {
    signal?.throwIfAborted();
    const options = this.#parts.options;
    const transport = transportOf(options.distBackend ?? "tcp");
    using log = openLog({
      ...options.log,
      loggerFile: options.loggerFile ?? "serverLog",
      loggerName: options.loggerName || "server",
      ...(options.logger && { logger: options.logger }),
    });
    const { logger } = log;
    using members = new PeerLog(logger, MEMBER_LINES);
    using strangers = new PeerLog(logger, STRANGER_LINES);
    const peers = { members, strangers };
    using uploads = new Uploads(this.#parts.timeouts.roundSeconds, (rank, reason) => {
      this.conversation.exchange?.collector.settle(rank, "dropped", reason);
      this.run.sessions.giveUp(rank, reason);
    });
    using _held = options.checkpoints?.hold?.();
    const seats = await this.record.begin();
    this.conversation.begin();
    const sessions = await openSessions({
      parts: this.#parts,
      agreement: this.#agreement,
      record: this.record,
      conversation: this.conversation,
      logger,
      peers,
      uploads,
      tell: (event) => this.tell(event),
      progress: () => this.#progress,
      refused: () => this.#refused++,
    }, seats);
    const listener = await transport.listen(options.listen);
    const accepting = sessions.accept(listener);
    uploads.watch();
    this.#run = { sessions, logger, peers, signal };
    let farewell = "the run is over", isOver = true;
    try {
      this.tell({ type: "listening", address: listener.address });
      logger.info(
        `Listening on ${transport.name} ${listener.address} for ${options.worldSize - 1} clients`,
      );
      // Of a run that was over before it could say so there is only the report to make.
      if (!this.record.isOver) await this.#gather(sessions.seats.away.length);
      this.#counted = sessions.bytes;
      this.#refused = 0;
      await work();
      const report = await this.record.report();
      this.tell({ type: "finished", report });
      logger.info(
        `The run is over after ${report.seconds.toFixed(1)} s, model ${report.modelDigest}`,
      );
      return report;
    } catch (error) {
      farewell = shortened(`the run stopped: ${errorMessage(error)}`, MOST_REASON_LENGTH);
      // Whoever stops a run by its signal does not mean it to go on.
      isOver = signal?.aborted ?? false;
      logger.error(errorMessage(error));
      this.tell({ type: "stopped", reason: errorMessage(error) });
      throw error;
    } finally {
      await sessions.dismiss(farewell, isOver);
      listener.close();
      await accepting;
      await sessions.dismiss(farewell, isOver);
      this.#run = undefined;
    }
  }

  /** Tells whoever wants to know. */
  tell(event: ServerEvent): void {
    this.record.members.onEvent(event);
    if (PROGRESS.has(event.type)) this.#progress++;
    this.#parts.options.onEvent?.(event);
  }

  /** Acts on what every agreement has besides updates: figures, and leaves that are taken. Any other code is refused. */
  hear(sender: Rank, message: Message): void {
    switch (message.code) {
      case MessageCode.EvaluateParams:
        return this.conversation.takeFigures(sender, message.payload);
      case MessageCode.Error:
        if (isCannotTrain(message.payload)) return this.#takeRefusal(sender, message.payload);
        throw new FarewellError(message.payload.message);
      case MessageCode.Exit:
        throw new FarewellError(message.payload.reason);
      default:
        throw unexpectedCode(sender, message.code, this.#parts.handler, this.#agreement);
    }
  }

  /**
   * A client has no update for the open round, and stays. Throws a `ProtocolError` when none is
   * expected of it.
   */
  #takeRefusal(sender: Rank, { round, message }: ErrorPayload): void {
    const { exchange } = this.conversation;
    if (!(exchange instanceof TrainingExchange) || exchange.collector.round !== round) {
      throw unexpectedRefusal(sender, round);
    }
    if (!exchange.collector.isPending(sender)) throw unexpectedUpdate(sender, exchange.collector);
    exchange.collector.settle(sender, "refused", message, true);
    this.countRefusal(sender, round, message);
  }

  /** A client that stays has said why there is no update of it. */
  countRefusal(rank: Rank, round: number, message: string): void {
    this.#refused++;
    this.run.peers.members.warn(`rank ${rank}`, `Rank ${rank} has no update: ${message}`);
    this.tell(refusedEvent(rank, { fault: "cannot-train", message }, { round }));
  }

  /** Throws a `ProtocolError` for an update of the kind that the plan does not ask for. */
  checkCode(sender: Rank, code: MessageCode): void {
    checkUpdateCode(sender, code, this.#parts.handler, this.#agreement);
  }

  /** Waits until at least so many are there, or expected back, for the join time-out at most. */
  async enough(least: number): Promise<readonly Rank[]> {
    const { sessions: { seats }, peers } = this.run;
    const present = seats.ranks.length;
    if (present < least) {
      const { rounds } = this.#parts.options;
      const word = this.#agreement.word.toLowerCase();
      const after = `after ${this.record.rounds.length} of ${rounds} ${word}s`;
      const trouble = present === 0
        ? `All clients are gone ${after}`
        : `Too few clients are left ${after}: ${present}, expected at least ${least}`;
      peers.members.warn("too few clients", `${trouble}; waiting for others to come back`);
      await this.#joined(least, least, trouble);
    }
    return seats.ranks;
  }

  /** Refuses an update after it was read: its sender is told, and stays. */
  refuse({ fault, message }: ProtocolError, { rank, round, norm }: RevokedUpdate): void {
    const { sessions, peers } = this.run;
    this.#refused++;
    peers.members.warn(`rank ${rank}`, message);
    this.tell(refusedEvent(rank, { fault, message }, { round, norm }));
    sessions.send(rank, { code: MessageCode.Error, payload: { fault, message, fatal: false } });
  }

  /** Begins to count what a round costs, with what went to and fro since the round before; the result ends it. */
  measure(): () => Pick<RoundReport, "refused" | "bytesUp" | "bytesDown" | "seconds"> {
    const { sessions } = this.run;
    const began = performance.now();
    return () => {
      const before = this.#counted, refused = this.#refused;
      const { up, down } = this.#counted = sessions.bytes;
      this.#refused = 0;
      return {
        refused,
        bytesUp: up - before.up,
        bytesDown: down - before.down,
        seconds: (performance.now() - began) / 1000,
      };
    };
  }

  /** A round is over. */
  endRound(report: RoundReport): void {
    const { logger, peers } = this.run;
    this.record.rounds.push(report);
    const { round, received, cohort, loss, accuracy, losses, outliers = [] } = report;
    const figures = [
      `${received} of ${cohort.length} updates`,
      ...(loss === undefined ? [] : [`loss ${loss.toFixed(4)}`]),
      ...(accuracy === undefined ? [] : [`accuracy ${accuracy.toFixed(4)}`]),
    ];
    const name = `${this.#agreement.word} ${round}`;
    logger.info(`${name} of ${this.#parts.options.rounds}: ${figures.join(", ")}`);
    for (const { rank, reason } of losses) {
      peers.members.warn(`rank ${rank}`, `${name} went on without rank ${rank}: ${reason}`);
    }
    for (const { rank, reason } of outliers) {
      peers.members.warn(`rank ${rank}`, `${name} has an outlier of rank ${rank}: ${reason}`);
    }
    this.tell({ type: "round-ended", report });
  }

  /**
   * Keeps the run as it stands, where that was asked for. A save that fails is tried again later,
   * the last one at once.
   */
  async keep(): Promise<void> {
    if (this.record.isOver) await this.#saves.saveLast(this.run.signal);
    else await this.#saves.save();
  }

  /** Waits for the group to fill, or for enough of it when the time is up; of a resumed run, for those who were there. */
  async #gather(before: number): Promise<void> {
    const { sessions: { seats } } = this.run;
    const { minClients, worldSize } = this.#parts.options;
    // A new run has nobody to wait for, nor has one that goes on from a simulation's checkpoint.
    // Those who were there are waited for one by one: newcomers do not stand for them.
    const expected = before ? "those who were there" : worldSize - 1;
    const enough = minClients ?? (before ? 1 : worldSize - 1);
    await this.#joined(expected, enough, "Cannot begin");
    for (const rank of seats.away) seats.giveUp(rank);
  }

  /**
   * Waits until so many have joined, or all who are expected back, or for the join time-out, when
   * `enough` will do.
   */
  async #joined(
    expected: number | "those who were there",
    enough: number,
    trouble: string,
  ): Promise<void> {
    const { sessions: { seats, seats: { group } }, signal, logger } = this.run;
    const { joinSeconds: seconds } = this.#parts.timeouts;
    const late = () =>
      new DeadlineError(`${trouble}: ${group.progress}; gave up after ${seconds} seconds`);
    const waiting = new AbortController();
    try {
      const isThere = typeof expected === "number"
        ? () => group.ranks.length >= expected
        : () => group.ranks.length > 0 && seats.away.length === 0;
      await withDeadline(group.until(isThere, waiting.signal), { seconds, signal, late });
    } catch (error) {
      if (!(error instanceof DeadlineError) || group.ranks.length < enough) throw error;
      logger.warn(`Going on with ${group.progress}`);
    } finally {
      waiting.abort();
    }
  }
}

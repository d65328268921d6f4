import { DeadlineError, errorMessage, ProtocolError } from "../errors.ts";
import { type Logger, openLog } from "../log.ts";
import { transportOf } from "../net/backend.ts";
import type { Rank } from "../net/process_group.ts";
import { type Timeouts, within } from "../net/timeouts.ts";
import type { EvaluateResult } from "../train/handler.ts";
import { FIELDS_BYTES, type FrameHeader } from "../wire/frame.ts";
import { MessageCode, messageName } from "../wire/message_code.ts";
import type { AgreementMode, Message } from "../wire/messages.ts";
import { Evaluation, type Training, unexpectedFigures, updateCodeOf } from "./_exchange.ts";
import { DEFAULT_PEER_LIMITS, peerLimitsOf } from "./_gate.ts";
import type { Intake } from "./_intake.ts";
import type { Welcome } from "./_member.ts";
import { RunRecord } from "./_record.ts";
import { FarewellError, type SessionHooks, Sessions } from "./_sessions.ts";
import type { ServerEvent } from "./events.ts";
import type { ServerBackendHandler } from "./handler.ts";
import type { RoundReport, RunReport } from "./report.ts";
import { DEFAULT_SERVER_NAME, type ServerTopologyOptions } from "./topology.ts";

/** What an agreement does about its clients, where agreements differ. */
export interface Agreement {
  readonly mode: AgreementMode;
  /** What a version of the model is called in the log, such as `"Round"`. */
  readonly word: string;
  /** The messages that it has besides updates, figures and `Exit`. */
  readonly codes: readonly MessageCode[];
  /** Whether a client was given something to do already. */
  readonly hasBegun: boolean;
  /** The round for which the rank's update is awaited. */
  awaits(rank: Rank): number | undefined;
  /** An update begins to come in: whether it may be read. */
  admit(rank: Rank): Promise<boolean>;
  /** What `admit` let in was taken in, refused, or broke off. */
  release(rank: Rank): void;
  /** Why an update is refused that was not admitted. */
  refusal(rank: Rank): ProtocolError;
  /** Acts on a message. */
  receive(rank: Rank, message: Message): Promise<void>;
  /** A client is ready, for the first time or again. */
  joined(rank: Rank, round: number | undefined): void;
  /** A client's connection is lost. */
  away?(rank: Rank): void;
  /** A client is gone. */
  lost?(rank: Rank, reason: string): void;
}

/** What there is while a run goes on. */
interface Run {
  readonly sessions: Sessions;
  readonly logger: Logger;
  readonly signal: AbortSignal | undefined;
}

/** What a topology gives of itself. */
interface Parts {
  readonly handler: ServerBackendHandler;
  readonly options: Readonly<ServerTopologyOptions>;
  readonly timeouts: Timeouts;
}

/** A server's clients from the first who joins to the last who leaves, and the run's record: what is alike in every agreement. */
export class Federation {
  readonly record: RunRecord;
  /** What is being waited for. */
  exchange: Training | Evaluation | undefined;
  readonly #handler: ServerBackendHandler;
  readonly #options: Readonly<ServerTopologyOptions>;
  readonly #timeouts: Timeouts;
  readonly #agreement: Agreement;
  #run: Run | undefined;
  /** Number of messages that were refused since {@linkcode Federation.measure}. */
  #refused = 0;

  constructor({ handler, options, timeouts }: Parts, agreement: Agreement) {
    this.record = new RunRecord(handler, options);
    this.#handler = handler;
    this.#options = options;
    this.#timeouts = timeouts;
    this.#agreement = agreement;
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
    const options = this.#options;
    const transport = transportOf(options.distBackend ?? "tcp");
    using log = openLog({
      ...options.log,
      loggerFile: options.loggerFile ?? "serverLog",
      loggerName: options.loggerName || "server",
      ...(options.logger && { logger: options.logger }),
    });
    const { logger } = log;
    const tokens = await this.record.begin();
    const sessions = await this.#openSessions(logger, tokens);
    const listener = await transport.listen(options.listen);
    const accepting = sessions.accept(listener);
    this.#run = { sessions, logger, signal };
    let farewell = "the run is over";
    try {
      this.tell({ type: "listening", address: listener.address });
      logger.info(
        `Listening on ${transport.name} ${listener.address} for ${options.worldSize - 1} clients`,
      );
      await this.#gather(tokens?.length);
      await work();
      const report = await this.record.report();
      this.tell({ type: "finished", report });
      logger.info(
        `The run is over after ${report.seconds.toFixed(1)} s, model ${report.modelDigest}`,
      );
      return report;
    } catch (error) {
      farewell = `the run stopped: ${errorMessage(error)}`.slice(0, 1024);
      logger.error(errorMessage(error));
      throw error;
    } finally {
      await sessions.dismiss(farewell);
      listener.close();
      await accepting;
      await sessions.dismiss(farewell);
      this.#run = undefined;
    }
  }

  /** Tells whoever wants to know. */
  tell(event: ServerEvent): void {
    this.#options.onEvent?.(event);
  }

  /** Acts on what every agreement has besides updates: figures, and leaves that are taken. Any other code is refused. */
  hear(sender: Rank, message: Message): void {
    switch (message.code) {
      case MessageCode.EvaluateParams:
        if (!(this.exchange instanceof Evaluation)) {
          throw unexpectedFigures(sender, message.payload.round);
        }
        return this.exchange.take(sender, message.payload);
      case MessageCode.Error:
        throw new FarewellError(message.payload.message);
      case MessageCode.Exit:
        throw new FarewellError(message.payload.reason);
      default:
        throw this.#unexpectedCode(sender, message.code);
    }
  }

  /** The agreement has no such message from a client, or its plan asks for the other kind of update. */
  checkCode(sender: Rank, code: MessageCode): void {
    const isUpdate = code === MessageCode.ParameterUpdate || code === MessageCode.GradientUpdate;
    if (isUpdate && code !== updateCodeOf(this.#handler.plan)) {
      throw this.#unexpectedCode(sender, code);
    }
  }

  /** Waits until somebody is there, or expected back. */
  async somebody(): Promise<readonly Rank[]> {
    const { sessions: { seats }, logger } = this.run;
    if (seats.ranks.length === 0) {
      const { rounds, minClients = 1 } = this.#options;
      const word = this.#agreement.word.toLowerCase();
      const trouble =
        `All clients are gone after ${this.record.rounds.length} of ${rounds} ${word}s`;
      logger.warn(`${trouble}; waiting for one to come back`);
      await this.#joined(minClients, 1, trouble);
    }
    return seats.ranks;
  }

  /** Has a cohort do something, and waits for it to be done. */
  async exchangeIn<Exchange extends Training | Evaluation>(
    exchange: Exchange,
    talk: () => Promise<void>,
  ): Promise<Exchange> {
    this.exchange = exchange;
    try {
      await talk();
    } finally {
      this.exchange = undefined;
      // Whoever still waits for its turn waits in vain when the run was stopped.
      for (const rank of exchange.intake.open) {
        exchange.intake.settle(rank, "dropped", "the run was stopped");
      }
    }
    return exchange;
  }

  /** Sends a rank of the cohort what the exchange is about; who is away gets it on coming back. */
  activate(rank: Rank): void {
    const { sessions } = this.run;
    const { exchange } = this;
    if (exchange === undefined) throw new Error("Cannot talk to a cohort: no round is open");
    const isEvaluation = exchange instanceof Evaluation;
    const code = isEvaluation ? MessageCode.EvaluateParams : MessageCode.ParameterUpdate;
    const { parameters, control } = this.#handler;
    const { intake } = exchange;
    const payload = {
      round: intake.round,
      parameters,
      ...(control && !isEvaluation && { control }),
    };
    if (!sessions.send(rank, { code, payload }) && !sessions.seats.away.includes(rank)) {
      intake.settle(rank, "dropped", "it left before the round began");
    }
  }

  /** Waits until every member of the cohort has answered, is gone, or has let the round's time-out pass. */
  async listen(): Promise<void> {
    const { sessions } = this.run;
    if (this.exchange === undefined) throw new Error("Cannot talk to a cohort: no round is open");
    const { intake } = this.exchange;
    if (!await this.#finished(intake)) {
      const reason = `no answer within ${this.#timeouts.roundSeconds} seconds`;
      for (const rank of intake.unheard) intake.settle(rank, "dropped", reason);
      // Those that had begun to answer get as long again to come through.
      if (!await this.#finished(intake)) {
        for (const rank of intake.open) {
          intake.settle(rank, "dropped", reason);
          sessions.giveUp(rank, reason);
        }
      }
    }
    // The vector is about to change: whoever has not taken all of it by now would get a mixture of two.
    for (const rank of intake.cohort) {
      if (sessions.isSending(rank)) {
        sessions.giveUp(rank, "it did not take the round's parameters in time");
      }
    }
  }

  /** Begins to count what a round costs; the result ends it. */
  measure(): () => Pick<RoundReport, "refused" | "bytesUp" | "bytesDown" | "seconds"> {
    const { sessions } = this.run;
    const began = performance.now(), before = sessions.bytes;
    this.#refused = 0;
    return () => {
      const { up, down } = sessions.bytes;
      return {
        refused: this.#refused,
        bytesUp: up - before.up,
        bytesDown: down - before.down,
        seconds: (performance.now() - began) / 1000,
      };
    };
  }

  /** A round is over. */
  endRound(report: RoundReport): void {
    const { logger } = this.run;
    this.record.rounds.push(report);
    const { round, received, cohort, loss, accuracy, losses } = report;
    const figures = [
      `${received} of ${cohort.length} updates`,
      ...(loss === undefined ? [] : [`loss ${loss.toFixed(4)}`]),
      ...(accuracy === undefined ? [] : [`accuracy ${accuracy.toFixed(4)}`]),
    ];
    const name = `${this.#agreement.word} ${round}`;
    logger.info(`${name} of ${this.#options.rounds}: ${figures.join(", ")}`);
    for (const { rank, reason } of losses) {
      logger.warn(`${name} went on without rank ${rank}: ${reason}`);
    }
    this.tell({ type: "round-ended", report });
  }

  /** Keeps the run as it stands, where that was asked for. */
  async keep(): Promise<void> {
    const path = await this.record.keep(this.run.sessions.seats.tokens);
    const round = this.record.rounds.length;
    if (path !== undefined) this.tell({ type: "checkpoint", round, path });
  }

  /** The server's own evaluation, or else that of the clients of those ranks, with whom `talk` has to do. */
  async evaluate(
    round: number,
    ranks: readonly Rank[],
    talk: () => Promise<void>,
  ): Promise<EvaluateResult | undefined> {
    const { evaluate } = this.#handler;
    if (evaluate !== undefined) return await evaluate(this.run.signal);
    return (await this.exchangeIn(new Evaluation(round, ranks), talk)).mean;
  }

  #unexpectedCode(rank: Rank, code: MessageCode): ProtocolError {
    const known = [
      updateCodeOf(this.#handler.plan),
      ...this.#agreement.codes,
      MessageCode.EvaluateParams,
    ];
    return new ProtocolError(
      "unexpected-code",
      `Cannot follow rank ${rank}: expected ${known.map(messageName).join(", ")} or Exit, got ${
        messageName(code)
      }`,
    );
  }

  /** Whether all have answered or are gone before the round's time-out. */
  async #finished(intake: Intake): Promise<boolean> {
    const finished = intake.finished().then(() => true);
    const { roundSeconds: seconds } = this.#timeouts;
    const late = () => new DeadlineError("late");
    try {
      return await within(finished, { seconds, signal: this.run.signal, late });
    } catch (error) {
      if (error instanceof DeadlineError) return false;
      throw error;
    }
  }

  async #welcome(): Promise<Welcome> {
    const handler = this.#handler, { mode } = this.#agreement;
    return {
      rounds: this.#options.rounds,
      run: this.record.name,
      heartbeatSeconds: this.#timeouts.heartbeatSeconds,
      seed: handler.seed,
      strategy: handler.strategyName,
      // A client that does not know of modes knows the synchronous one.
      ...(mode !== "sync" && { mode }),
      plan: handler.plan,
      manifest: handler.manifest.tensors.map(({ name, shape, dtype, trainable }) => ({
        name,
        shape,
        dtype,
        trainable,
      })),
      manifestDigest: await handler.manifest.digest(),
      ...(handler.model && { model: { ...handler.model } }),
    };
  }

  async #openSessions(
    logger: Logger,
    tokens: Iterable<readonly [Rank, string]> = [],
  ): Promise<Sessions> {
    const options = this.#options, timeouts = this.#timeouts;
    const sessions: Sessions = new Sessions({
      worldSize: options.worldSize,
      tokens,
      door: {
        gatekeeper: options.gatekeeper ?? { kind: "open" },
        serverName: options.serverName ?? DEFAULT_SERVER_NAME,
        welcome: await this.#welcome(),
        awaits: (rank) => this.#agreement.awaits(rank),
      },
      limits: peerLimitsOf({
        connections: Math.max(DEFAULT_PEER_LIMITS.connections, 2 * options.worldSize),
        ...options.limits,
      }),
      timeouts,
      logger,
      hooks: this.#hooks(logger, () => sessions.seats.group.progress),
    });
    return sessions;
  }

  #hooks(logger: Logger, progressOf: () => string): SessionHooks {
    const agreement = this.#agreement, { record } = this;
    const joining = () => {
      const progress = progressOf();
      if (record.rounds.length > 0 || agreement.hasBegun) return;
      logger.info(progress);
      this.tell({ type: "joining", progress });
    };
    return {
      place: (rank, header) => this.#place(rank, header),
      release: (rank, buffer) => {
        this.#handler.staging.giveBack(buffer);
        agreement.release(rank);
      },
      message: async (rank, message) => {
        if (message === undefined) throw agreement.refusal(rank);
        await agreement.receive(rank, message);
      },
      joined: (rank, round) => {
        joining();
        if (this.exchange instanceof Evaluation) {
          if (this.exchange.intake.expects(rank)) this.activate(rank);
        }
        agreement.joined(rank, round);
      },
      away: (rank, reason) => {
        agreement.away?.(rank);
        if (record.isOver) return;
        logger.warn(`Lost the connection of rank ${rank}, which may come back: ${reason}`);
        this.tell({ type: "client-away", rank, reason });
        joining();
      },
      lost: (rank, reason) => {
        this.exchange?.intake.settle(rank, "dropped", reason);
        agreement.lost?.(rank, reason);
        // After the last round a client goes as it should.
        if (record.isOver) return;
        logger.warn(`Lost rank ${rank}: ${reason}`);
        this.tell({ type: "client-lost", rank, reason });
        joining();
      },
      forgiven: (rank, { fault, message }) => {
        this.#refused++;
        logger.warn(message);
        this.tell({ type: "update-refused", rank, fault, message });
      },
    };
  }

  /** Where a body goes: an expected update to a staging buffer when it may be read, another nowhere, the rest to a buffer of their own. */
  async #place(
    rank: Rank,
    { code, bodyLength }: FrameHeader,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.checkCode(rank, code);
    const isUpdate = code === updateCodeOf(this.#handler.plan);
    const most = FIELDS_BYTES + (isUpdate ? this.#handler.manifest.byteLength : 0);
    if (bodyLength > most) {
      throw new ProtocolError(
        "frame-too-large",
        `Cannot read ${
          messageName(code)
        }: expected at most ${most} bytes for this model, got ${bodyLength}`,
      );
    }
    if (!isUpdate) return new Uint8Array(bodyLength);
    if (!await this.#agreement.admit(rank)) return undefined;
    return await this.#handler.staging.lend();
  }

  /** Waits for the group to fill, or for enough of it when the time is up; of a resumed run, for those who were there. */
  async #gather(before?: number): Promise<void> {
    const { sessions: { seats } } = this.run;
    const { minClients, worldSize } = this.#options;
    const expected = before ?? worldSize - 1;
    const enough = minClients ?? (before === undefined ? expected : 1);
    await this.#joined(expected, enough, "Cannot begin");
    for (const rank of seats.away) seats.giveUp(rank);
  }

  /** Waits until so many have joined, or for the join time-out, when `enough` will do. */
  async #joined(expected: number, enough: number, trouble: string): Promise<void> {
    const { sessions: { seats: { group } }, signal, logger } = this.run;
    const { joinSeconds: seconds } = this.#timeouts;
    const late = () =>
      new DeadlineError(`${trouble}: ${group.progress}; gave up after ${seconds} seconds`);
    const waiting = new AbortController();
    try {
      await within(group.joined(expected, waiting.signal), { seconds, signal, late });
    } catch (error) {
      if (!(error instanceof DeadlineError) || group.ranks.length < enough) throw error;
      logger.warn(`Going on with ${group.progress}`);
    } finally {
      waiting.abort();
    }
  }
}

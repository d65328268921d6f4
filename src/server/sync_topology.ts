/**
 * The synchronous server.
 *
 * @module
 */

import { DeadlineError, errorMessage, ProtocolError } from "../errors.ts";
import { type Logger, openLog } from "../log.ts";
import { transportOf } from "../net/backend.ts";
import type { Rank } from "../net/process_group.ts";
import { within } from "../net/timeouts.ts";
import { sha256Hex } from "../params/digest.ts";
import type { Checkpoint } from "../store/checkpoint.ts";
import type { EvaluateResult } from "../train/handler.ts";
import { FIELDS_BYTES, type FrameHeader } from "../wire/frame.ts";
import { MessageCode, messageName } from "../wire/message_code.ts";
import type { Message, Payload } from "../wire/messages.ts";
import { Evaluation, Training, unexpectedFigures, unexpectedUpdate } from "./_exchange.ts";
import { DEFAULT_PEER_LIMITS, peerLimitsOf } from "./_gate.ts";
import type { Intake } from "./_intake.ts";
import { meanResult } from "./_mean_result.ts";
import type { Welcome } from "./_member.ts";
import { handlerStateOf, readSavedRun, type SavedRun, withPrefix } from "./_saved_run.ts";
import { FarewellError, Sessions } from "./_sessions.ts";
import { type ClientFigures, clientFigures } from "./distribution.ts";
import type { ServerEvent } from "./events.ts";
import { finalOf, type RoundReport, type RunReport } from "./report.ts";
import {
  DEFAULT_QUORUM,
  DEFAULT_ROUND_TRIES,
  DEFAULT_SERVER_NAME,
  ServerCommunicationTopology,
} from "./topology.ts";

/** The synchronous agreement has no such message. */
function unexpectedCode(rank: Rank, code: MessageCode): ProtocolError {
  return new ProtocolError(
    "unexpected-code",
    `Cannot follow rank ${rank}: expected ParameterUpdate, EvaluateParams or Exit, got ${
      messageName(code)
    }`,
  );
}

/** What a run holds while it goes on. */
interface Run {
  readonly sessions: Sessions;
  readonly logger: Logger;
  readonly signal: AbortSignal | undefined;
}

/**
 * The synchronous server: waits for its clients, then each round chooses a cohort, sends it the parameters, waits for the answers, and makes
 * the new model of them; at the end every client is sent `Exit`.
 *
 * A client that dies is dropped and the round goes on with the others; nothing waits without a time-out. See {@linkcode ClientSyncTop} for
 * an example of both.
 */
export class ServerSyncTop extends ServerCommunicationTopology {
  #run: Run | undefined;
  #exchange: Training | Evaluation | undefined;
  #rounds: RoundReport[] = [];
  #final: EvaluateResult | undefined;
  #began = performance.now();
  #name = "";
  /** Number of messages that were refused since the round began. */
  #refused = 0;

  /** What there is to report of the run so far, or of the last one: also when `run` rejects. */
  async report(): Promise<RunReport> {
    const { handler, options } = this;
    return {
      schema: "fedlab.run/1",
      seed: handler.seed,
      strategy: handler.strategyName,
      transport: transportOf(options.distBackend ?? "tcp").name,
      worldSize: options.worldSize,
      kernels: handler.kernels,
      rounds: [...this.#rounds],
      ...(this.#final && { final: finalOf(this.#final, this.#rounds.at(-1)?.clients) }),
      modelDigest: await sha256Hex(handler.parameters),
      seconds: (performance.now() - this.#began) / 1000,
    };
  }

  /**
   * Runs the federation and gives its report; the final vector is `handler.parameters`.
   *
   * Rejects with a `DeadlineError` when too few clients join, a `ConnectionClosedError` when all of them are gone, and with the signal's reason when
   * it is aborted; the clients are told in each case.
   */
  async run({ signal }: { signal?: AbortSignal } = {}): Promise<RunReport> {
    signal?.throwIfAborted();
    const { options } = this;
    const transport = transportOf(options.distBackend ?? "tcp");
    using log = openLog({
      ...options.log,
      loggerFile: options.loggerFile ?? "serverLog",
      loggerName: options.loggerName || "server",
      ...(options.logger && { logger: options.logger }),
    });
    const { logger } = log;
    const saved = options.resume && await this.#resume(options.resume);
    this.#name = saved?.run ?? crypto.randomUUID();
    this.#rounds = [...saved?.rounds ?? []];
    this.#final = saved?.final;
    this.#began = performance.now() - (saved?.seconds ?? 0) * 1000;
    const sessions = await this.#openSessions(logger, saved?.tokens);
    const listener = await transport.listen(options.listen);
    const accepting = sessions.accept(listener);
    this.#run = { sessions, logger, signal };
    let farewell = "the run is over";
    try {
      this.#tell({ type: "listening", address: listener.address });
      logger.info(
        `Listening on ${transport.name} ${listener.address} for ${options.worldSize - 1} clients`,
      );
      await this.#gather(saved?.tokens.length);
      while (this.#rounds.length < options.rounds) {
        await this.#round(this.#rounds.length + 1);
        await this.#keep();
      }
      const report = await this.report();
      this.#tell({ type: "finished", report });
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

  /** Takes updates and figures in; a client's `Exit` and `Error` end its session; any other code is refused. */
  async onReceive(sender: Rank, code: MessageCode, payload: Payload): Promise<void> {
    const message = { code, payload } as Message;
    const exchange = this.#exchange;
    switch (message.code) {
      case MessageCode.ParameterUpdate:
        if (!(exchange instanceof Training)) throw unexpectedUpdate(sender, undefined);
        if (await exchange.take(sender, message.payload, this.handler)) {
          this.#tellReceived(sender, exchange.intake);
        }
        return;
      case MessageCode.EvaluateParams:
        if (!(exchange instanceof Evaluation)) {
          throw unexpectedFigures(sender, message.payload.round);
        }
        return exchange.take(sender, message.payload);
      case MessageCode.Error:
        throw new FarewellError(message.payload.message);
      case MessageCode.Exit:
        throw new FarewellError(message.payload.reason);
      default:
        throw unexpectedCode(sender, code);
    }
  }

  /** Sends the global parameters to the cohort; who is away gets them on coming back. */
  protected activateClients(): void {
    for (const rank of this.#expecting().intake.cohort) this.#activate(rank);
  }

  #activate(rank: Rank): void {
    const { sessions } = this.#open();
    const { intake } = this.#expecting();
    const code = this.#training === undefined
      ? MessageCode.EvaluateParams
      : MessageCode.ParameterUpdate;
    const { parameters, control } = this.handler;
    const payload = {
      round: intake.round,
      parameters,
      ...(control && this.#training && { control }),
    };
    if (!sessions.send(rank, { code, payload }) && !sessions.seats.away.includes(rank)) {
      intake.settle(rank, "dropped", "it left before the round began");
    }
  }

  /** Waits until every member of the cohort has answered, is gone, or has let the round's time-out pass. */
  protected async listenClients(): Promise<void> {
    const { sessions } = this.#open();
    const { intake } = this.#expecting();
    if (!await this.#finished(intake)) {
      const reason = `no answer within ${this.timeouts.roundSeconds} seconds`;
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

  /** Whether all have answered or are gone before the round's time-out. */
  async #finished(intake: Intake): Promise<boolean> {
    const finished = intake.finished().then(() => true);
    const { roundSeconds: seconds } = this.timeouts;
    const late = () => new DeadlineError("late");
    try {
      return await within(finished, { seconds, signal: this.#open().signal, late });
    } catch (error) {
      if (error instanceof DeadlineError) return false;
      throw error;
    }
  }

  #open(): Run {
    if (this.#run === undefined) {
      throw new Error("Cannot talk to clients: the topology is not running");
    }
    return this.#run;
  }

  #expecting(): { intake: Intake } {
    if (this.#exchange === undefined) throw new Error("Cannot talk to a cohort: no round is open");
    return this.#exchange;
  }

  get #training(): Training | undefined {
    return this.#exchange instanceof Training ? this.#exchange : undefined;
  }

  #tell(event: ServerEvent): void {
    this.options.onEvent?.(event);
  }

  #tellReceived(rank: Rank, intake: Intake): void {
    const received = intake.count("received");
    this.#tell({
      type: "update-received",
      round: intake.round,
      rank,
      received,
      expected: intake.cohort.length,
    });
  }

  async #openSessions(
    logger: Logger,
    tokens: Iterable<readonly [Rank, string]> = [],
  ): Promise<Sessions> {
    const { handler, options, timeouts } = this;
    const welcome: Welcome = {
      rounds: options.rounds,
      run: this.#name,
      heartbeatSeconds: timeouts.heartbeatSeconds,
      seed: handler.seed,
      strategy: handler.strategyName,
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
    const joining = () => {
      const { progress } = sessions.seats.group;
      if (this.#rounds.length > 0 || this.#exchange !== undefined) return;
      logger.info(progress);
      this.#tell({ type: "joining", progress });
    };
    const isOver = () => this.#rounds.length === options.rounds;
    const sessions: Sessions = new Sessions({
      worldSize: options.worldSize,
      tokens,
      door: {
        gatekeeper: options.gatekeeper ?? { kind: "open" },
        serverName: options.serverName ?? DEFAULT_SERVER_NAME,
        welcome,
        awaits: (rank) => {
          const intake = this.#training?.intake;
          return intake?.expects(rank) ? intake.round : undefined;
        },
      },
      limits: peerLimitsOf({
        connections: Math.max(DEFAULT_PEER_LIMITS.connections, 2 * options.worldSize),
        ...options.limits,
      }),
      timeouts,
      logger,
      hooks: {
        place: (rank, header) => this.#place(rank, header),
        release: (rank, buffer) => {
          handler.staging.giveBack(buffer);
          this.#training?.intake.takeBack(rank);
        },
        message: async (rank, message) => {
          if (message === undefined) throw unexpectedUpdate(rank, this.#training?.intake);
          await this.onReceive(rank, message.code, message.payload);
        },
        joined: ({ rank, numSamples, round }) => {
          handler.onJoin(rank, numSamples);
          joining();
          const exchange = this.#exchange;
          if (!exchange?.intake.expects(rank)) return;
          if (exchange instanceof Training && exchange.intake.round === round) return;
          this.#activate(rank);
        },
        away: (rank, reason) => {
          if (isOver()) return;
          logger.warn(`Lost the connection of rank ${rank}, which may come back: ${reason}`);
          this.#tell({ type: "client-away", rank, reason });
          joining();
        },
        lost: (rank, reason) => {
          this.#exchange?.intake.settle(rank, "dropped", reason);
          // After the last round a client goes as it should.
          if (isOver()) return;
          logger.warn(`Lost rank ${rank}: ${reason}`);
          this.#tell({ type: "client-lost", rank, reason });
          joining();
        },
        forgiven: (rank, { fault, message }) => {
          this.#refused++;
          logger.warn(message);
          this.#tell({ type: "update-refused", rank, fault, message });
        },
      },
    });
    return sessions;
  }

  /** Where a body goes: an expected update to a staging buffer when it may be read, another nowhere, the rest to a buffer of their own. */
  async #place(
    rank: Rank,
    { code, bodyLength }: FrameHeader,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (code === MessageCode.GradientUpdate) throw unexpectedCode(rank, code);
    const isUpdate = code === MessageCode.ParameterUpdate;
    const most = FIELDS_BYTES + (isUpdate ? this.handler.manifest.byteLength : 0);
    if (bodyLength > most) {
      throw new ProtocolError(
        "frame-too-large",
        `Cannot read ${
          messageName(code)
        }: expected at most ${most} bytes for this model, got ${bodyLength}`,
      );
    }
    if (!isUpdate) return new Uint8Array(bodyLength);
    if (!await this.#training?.intake.admit(rank)) return undefined;
    return await this.handler.staging.lend();
  }

  /** Goes on from a checkpoint: the handler takes its parameters. */
  async #resume(checkpoint: Checkpoint): Promise<SavedRun> {
    const saved = await readSavedRun(checkpoint, this.handler);
    this.handler.parameters = checkpoint.parameters;
    this.handler.restoreState(handlerStateOf(checkpoint, saved));
    return saved;
  }

  /** Waits for the group to fill, or for enough of it when the time is up; of a resumed run, for those who were there. */
  async #gather(before?: number): Promise<void> {
    const { sessions: { seats } } = this.#open();
    const { minClients, worldSize } = this.options;
    const expected = before ?? worldSize - 1;
    const enough = minClients ?? (before === undefined ? expected : 1);
    await this.#joined(expected, enough, "Cannot begin");
    for (const rank of seats.away) seats.giveUp(rank);
  }

  /** Waits until so many have joined, or for the join time-out, when `enough` will do. */
  async #joined(expected: number, enough: number, trouble: string): Promise<void> {
    const { sessions: { seats: { group } }, signal, logger } = this.#open();
    const { joinSeconds: seconds } = this.timeouts;
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

  /** Waits until somebody is there, or expected back. */
  async #somebody(): Promise<readonly Rank[]> {
    const { sessions: { seats }, logger } = this.#open();
    if (seats.ranks.length === 0) {
      const { rounds } = this.options;
      const trouble = `All clients are gone after ${this.#rounds.length} of ${rounds} rounds`;
      logger.warn(`${trouble}; waiting for one to come back`);
      await this.#joined(this.options.minClients ?? 1, 1, trouble);
    }
    return seats.ranks;
  }

  async #round(round: number): Promise<void> {
    const { handler } = this;
    const { sessions } = this.#open();
    const began = performance.now();
    const before = sessions.bytes;
    this.#refused = 0;
    const { training, tries } = await this.#train(round);
    handler.updateModel();
    const { evaluation, clients } = await this.#evaluate(round);
    this.#final = evaluation;
    const after = sessions.bytes;
    const { intake, trainLoss } = training;
    const report: RoundReport = {
      round,
      cohort: intake.cohort,
      received: intake.count("received"),
      dropped: intake.count("dropped"),
      refused: this.#refused,
      tries,
      losses: intake.losses,
      ...(evaluation && { loss: evaluation.loss }),
      ...(evaluation?.accuracy !== undefined && { accuracy: evaluation.accuracy }),
      ...(clients && { clients }),
      ...(trainLoss !== undefined && { trainLoss }),
      bytesUp: after.up - before.up,
      bytesDown: after.down - before.down,
      seconds: (performance.now() - began) / 1000,
    };
    this.#rounds.push(report);
    this.#logRound(report);
    this.#tell({ type: "round-ended", report });
  }

  /** Has a cohort train, and a fresh one again while too few have answered. */
  async #train(round: number): Promise<{ training: Training; tries: number }> {
    const { handler, options } = this;
    const { logger } = this.#open();
    const numClients = options.worldSize - 1;
    const most = options.roundTries ?? DEFAULT_ROUND_TRIES;
    for (let tries = 1;; tries++) {
      const ranks = await this.#somebody();
      const cohort = handler.selectClients(round, ranks, numClients, tries - 1);
      this.#tell({ type: "round-started", round, rounds: options.rounds, cohort });
      handler.beginRound(round, numClients);
      const enough = Math.min(cohort.length, handler.updatesWanted(numClients));
      const training = new Training(round, cohort, handler.staging.size, enough);
      await this.#exchangeIn(training);
      for (const { rank } of training.intake.losses) handler.onDrop(rank, round);
      const received = training.intake.count("received");
      const quorum = Math.max(1, Math.ceil(enough * (options.quorum ?? DEFAULT_QUORUM)));
      if (received >= quorum) return { training, tries };
      const trouble =
        `Round ${round} has ${received} of ${enough} updates, below the quorum of ${quorum}`;
      if (tries === most) throw new DeadlineError(`${trouble}, after ${tries} tries`);
      logger.warn(`${trouble}: trying again`);
      this.#tell({ type: "round-retried", round, received, quorum });
    }
  }

  /** Keeps the run as it stands, where that was asked for. */
  async #keep(): Promise<void> {
    const { handler, options: { checkpoints, notes = {} } } = this;
    if (checkpoints === undefined) return;
    const round = this.#rounds.length;
    const last = this.#rounds.at(-1);
    const score = last?.accuracy ?? (last?.loss === undefined ? undefined : -last.loss);
    const { json, vectors, clients } = handler.saveState();
    const state: SavedRun = {
      format: "fedlab.checkpoint/1",
      run: this.#name,
      seed: handler.seed,
      strategy: handler.strategyName,
      tokens: this.#open().sessions.seats.tokens,
      rounds: this.#rounds,
      ...(this.#final && { final: this.#final }),
      seconds: (performance.now() - this.#began) / 1000,
      strategyState: json,
      clients,
      notes,
    };
    const { manifest, parameters } = handler;
    const path = await checkpoints.save({
      manifest,
      parameters,
      ...(vectors && { vectors: withPrefix(vectors) }),
      round,
      state: { ...state },
      ...(score !== undefined && { score }),
    });
    this.#tell({ type: "checkpoint", round, path });
  }

  async #exchangeIn<Exchange extends Training | Evaluation>(exchange: Exchange): Promise<Exchange> {
    this.#exchange = exchange;
    try {
      this.activateClients();
      await this.listenClients();
    } finally {
      this.#exchange = undefined;
      // Whoever still waits for its turn waits in vain when the run was stopped.
      for (const rank of exchange.intake.open) {
        exchange.intake.settle(rank, "dropped", "the run was stopped");
      }
    }
    return exchange;
  }

  /** The server's own evaluation, or else the clients'. */
  async #evaluate(
    round: number,
  ): Promise<{ evaluation?: EvaluateResult | undefined; clients?: ClientFigures | undefined }> {
    const { sessions: { seats: { group } }, signal } = this.#open();
    if (this.handler.evaluate !== undefined) {
      return { evaluation: await this.handler.evaluate(signal) };
    }
    const { results } = await this.#exchangeIn(new Evaluation(round, group.ranks));
    return { evaluation: meanResult(results), clients: clientFigures(results) };
  }

  #logRound({ round, received, cohort, loss, accuracy, losses }: RoundReport): void {
    const { logger } = this.#open();
    const figures = [
      `${received} of ${cohort.length} updates`,
      ...(loss === undefined ? [] : [`loss ${loss.toFixed(4)}`]),
      ...(accuracy === undefined ? [] : [`accuracy ${accuracy.toFixed(4)}`]),
    ];
    logger.info(`Round ${round} of ${this.options.rounds}: ${figures.join(", ")}`);
    for (const { rank, reason } of losses) {
      logger.warn(`Round ${round} went on without rank ${rank}: ${reason}`);
    }
  }
}

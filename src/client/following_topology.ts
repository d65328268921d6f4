/**
 * A client that follows its server.
 *
 * @module
 */

import {
  ConnectionClosedError,
  errorMessage,
  ProtocolError,
  RunStoppedError,
} from "../base/errors.ts";
import { type Logger, openLog, silentLogger } from "../base/log/log.ts";
import { MEMBER_LINES, PeerLog } from "../base/log/peer_log.ts";
import { shortened } from "../base/printable.ts";
import { type Rank, SERVER_RANK } from "../base/rank.ts";
import { delay } from "../base/time/delay.ts";
import type { Connection } from "../net/connection.ts";
import { withDeadline } from "../base/time/with_deadline.ts";
import { CannotTrainError } from "../plan/cannot_train.ts";
import type { EvaluateResult } from "../plan/results.ts";
import { type LocalRule, sendsGradient } from "../plan/rules/rules.ts";
import { LocalLearner } from "../train/rules/learner.ts";
import { MessageCode, messageName } from "../wire/message_code.ts";
import type {
  AgreementMode,
  Message,
  MessageOf,
  ParameterUpdatePayload,
  Payload,
} from "../wire/messages.ts";
import { MOST_REASON_LENGTH } from "../wire/messages/exit.ts";
import { type Comeback, connect, join, pauseMillis, RunOverError, runStopped } from "./join.ts";
import { isLoss, takeLeave } from "./leave.ts";
import { Session } from "./session.ts";
import { ClientCommunicationTopology, type RunOptions } from "./topology.ts";
import { Work } from "./work.ts";

/**
 * A client that follows the agreement that its server names: it trains in rounds, or at its own pace. When it loses the server it comes back, and
 * what it was training goes on meanwhile.
 *
 * {@linkcode ClientSyncTop} and {@linkcode ClientAsyncTop} take one agreement alone.
 */
export class ClientFollowingTop extends ClientCommunicationTopology {
  #session: Session | undefined;
  #logger: Logger = silentLogger;
  /** The lines whose number the server decides. */
  #peers: PeerLog = new PeerLog(silentLogger, MEMBER_LINES);
  /** The handler and what the server's algorithm adds to it. */
  readonly #learner: LocalLearner = new LocalLearner(this.handler);
  /** The last round's training, running or done. */
  #work: Work | undefined;
  #began = 0;
  #isEvaluating = false;
  /** The round for which the server awaits an update, as far as this client knows. */
  #awaited: number | undefined;
  /** How many rounds in a row it could not train for. */
  #refusals = 0;
  /** Where there are no rounds: resolves when it may ask for work again, which it could not do. */
  #rested: Promise<"rested"> | undefined;

  /** The only agreement that it takes part in. Default: any. */
  protected get mode(): AgreementMode | undefined {
    return undefined;
  }

  /** The rank that the server gave, or the one asked for before that. */
  get rank(): Rank | undefined {
    return this.#session?.assignment.rank ?? this.options.rank;
  }

  /** The group's size, once the server has told it, or the one in the options. */
  get worldSize(): number | undefined {
    return this.#session?.assignment.worldSize ?? this.options.worldSize;
  }

  /**
   * Joins the group, then waits, trains and synchronizes until the server ends the run; joins again when the connection is lost.
   *
   * Rejects with a `DeadlineError` when no server lets it in in time or the run stands still for `idleSeconds`, a `ProtocolError` when the server refuses or
   * breaks the protocol, a `RunStoppedError` when the run stopped by an error and may be resumed, with the handler's own error, or with the signal's reason.
   */
  async run({ signal }: RunOptions = {}): Promise<void> {
    const { options } = this;
    const name = options.loggerName ||
      (options.rank === undefined ? "client" : `client-${options.rank}`);
    using log = openLog({
      ...options.log,
      loggerFile: options.loggerFile ?? "clientLog",
      loggerName: name,
      ...(options.rank !== undefined && { rank: options.rank }),
      ...(options.logger && { logger: options.logger }),
    });
    this.#logger = log.logger;
    using peers = this.#peers = new PeerLog(log.logger, MEMBER_LINES);
    const patienceMillis = this.timeouts.joinSeconds * 1000;
    let comeback: Omit<Comeback, "round"> | undefined;
    let deadline = performance.now() + patienceMillis;
    try {
      for (let losses = 0;; losses++) {
        const connection = await connect(this, this.#logger, signal, deadline);
        let session: Session | undefined;
        try {
          comeback = await this.#meet(connection, signal, comeback, deadline);
          session = this.#session;
          await this.#converse();
          return;
        } catch (error) {
          // Who was away when the run ended hears of it on coming back.
          if (error instanceof RunOverError && comeback !== undefined) return;
          if (error instanceof RunStoppedError) throw error;
          const hasJoined = comeback !== undefined;
          // A server that lets clients in and cuts them off again is as good as none.
          if (session?.isUseful) losses = 0;
          if (hasJoined && losses === 0) deadline = performance.now() + patienceMillis;
          if (isLoss(error)) connection.abort(new ConnectionClosedError(errorMessage(error)));
          if (!isLoss(error) || performance.now() >= deadline) {
            await takeLeave(connection, error, { signal, seconds: this.timeouts.drainSeconds });
            throw error;
          }
          peers.warn(
            "the server",
            `${errorMessage(error)}; ${hasJoined ? "coming back" : "trying again"}`,
          );
        } finally {
          await connection.close(this.timeouts.drainSeconds);
          this.#session?.end();
        }
        await delay(pauseMillis(losses), signal);
      }
    } catch (error) {
      this.#logger.error(errorMessage(error));
      throw error;
    } finally {
      await this.#work?.stop();
      this.#work = undefined;
      this.#session = undefined;
    }
  }

  /** Begins to train on `ParameterUpdate`, evaluates and answers on `EvaluateParams`; refuses any other code. */
  async onReceive(sender: Rank, code: MessageCode, payload: Payload): Promise<void> {
    this.#logger.debug(`Received ${messageName(code)} from rank ${sender}`);
    const message = { code, payload } as Message;
    if (message.code === MessageCode.ParameterUpdate) await this.#train(message.payload);
    else if (message.code === MessageCode.EvaluateParams) await this.#evaluate(message.payload);
    else {
      throw new ProtocolError(
        "unexpected-code",
        `Cannot follow the server: expected ParameterUpdate, EvaluateParams or Exit, got ${
          messageName(code)
        }`,
      );
    }
  }

  /** Sends what was trained last, or the gradient that was taken, and asks for more where there are no rounds; nothing when no training is done. */
  async synchronize(): Promise<void> {
    const session = this.#open();
    if (this.#work?.result === undefined) return;
    const { round, plan: { rule }, result: { numSamples, steps, loss, metrics } } = this.#work;
    const { update } = this.#learner;
    const figures = {
      round,
      numSamples,
      // A figure that is no number tells nothing; the vector may be sound all the same.
      ...(Number.isFinite(loss) && { loss }),
      metrics: Object.fromEntries(
        Object.entries(metrics).filter(([, value]) => Number.isFinite(value)),
      ),
    };
    await session.send(
      sendsGradient(rule)
        ? { code: MessageCode.GradientUpdate, payload: { ...figures, gradient: update } }
        : {
          code: MessageCode.ParameterUpdate,
          payload: { ...figures, steps, parameters: update },
        },
    );
    this.#logger.debug(`Sent the update of round ${round}`);
    await this.#ask();
  }

  #open(): Session {
    if (this.#session === undefined) {
      throw new Error("Cannot talk to the server: the topology is not running");
    }
    return this.#session;
  }

  /** Asks for something to do, where there are no rounds. */
  async #ask(): Promise<void> {
    const session = this.#open();
    if (!session.isAsync) return;
    await session.send({ code: MessageCode.ParameterRequest, payload: {} });
  }

  /** Registers, for the first time or again; gives what it takes to come back to this run. */
  async #meet(
    connection: Connection,
    signal: AbortSignal | undefined,
    before: Omit<Comeback, "round"> | undefined,
    deadline: number,
  ): Promise<Omit<Comeback, "round">> {
    const comeback = before && { ...before, round: this.#work?.round };
    const joining = join(
      connection,
      this.handler,
      this.options,
      { comeback, mode: this.mode, deadline, joinSeconds: this.timeouts.joinSeconds },
      () => this.#work?.stop(),
    );
    const assignment = await withDeadline(joining, { signal });
    const { run, token, rank, worldSize, rounds, strategy, awaits, mode = "sync" } = assignment;
    this.#session = new Session({
      connection,
      assignment,
      manifest: this.handler.manifest,
      peers: this.#peers,
      signal,
      idleSeconds: this.timeouts.idleSeconds,
      isBusy: () => this.#isEvaluating || this.#work?.isTold === false,
    });
    if (run !== before?.run) {
      this.#work = undefined;
      this.#learner.own = undefined;
    }
    const again = run === before?.run ? "again " : "";
    this.#peers.info(
      "the server",
      `Joined ${connection.remote} ${again}as rank ${rank} of a world of ${worldSize}, ${rounds} ${
        mode === "sync" ? "rounds" : "versions"
      } of ${strategy}`,
    );
    this.options.onEvent?.({ type: "joined", rank, worldSize, rounds });
    // An update that the server has not got goes out again; one whose training is not done yet goes out then.
    this.#awaited = awaits;
    // Without rounds, what is not awaited never will be.
    const isKnown = awaits !== undefined || mode === "async";
    if (isKnown && this.#work?.round !== awaits) await this.#giveUpWork();
    else if (awaits !== undefined && this.#work?.isTold) await this.synchronize();
    this.#rested = undefined;
    if (awaits === undefined) await this.#ask();
    return { run, token };
  }

  async #converse(): Promise<void> {
    const session = this.#open();
    for (;;) {
      session.touch();
      const work = this.#work?.isTold ? undefined : this.#work;
      let happened: Message | "rested" | void;
      try {
        happened = await session.within(
          Promise.race([
            session.next(),
            ...(work ? [work.trained] : []),
            ...(this.#rested ? [this.#rested] : []),
          ]),
        );
      } catch (error) {
        if (work === undefined || !(error instanceof CannotTrainError)) throw error;
        this.#work = undefined;
        // A server that has just come back may not have opened the round again: it will ask.
        if (work.round === this.#awaited) await this.#refuse(work.round, error);
        continue;
      }
      if (happened === "rested") {
        this.#rested = undefined;
        await this.#ask();
      } else if (happened === undefined) {
        this.#tellTrained();
        // A server that has just come back may not have opened the round again: it will ask.
        if (this.#work?.round === this.#awaited) await this.synchronize();
      } else {
        session.taken();
        if (happened.code === MessageCode.Exit) {
          this.#logger.info(`The server says: ${happened.payload.reason}`);
          const { reason, over = true } = happened.payload;
          await session.send({ code: MessageCode.Exit, payload: { reason } });
          if (!over) throw runStopped(happened.payload);
          return;
        }
        await this.onReceive(SERVER_RANK, happened.code, happened.payload);
      }
    }
  }

  async #train(payload: MessageOf<typeof MessageCode.ParameterUpdate>["payload"]): Promise<void> {
    const { assignment, signal, isAsync } = this.#open();
    const { round } = payload;
    const plan = payload.plan ?? assignment.plan;
    this.#awaited = round;
    if (this.#work?.round === round && !isAsync) {
      // The same round again: what was made of it is good still.
      if (this.#work.isTold) await this.synchronize();
      return;
    }
    await this.#giveUpWork();
    this.#rested = undefined;
    try {
      this.#load(payload, plan.rule);
    } catch (error) {
      if (!(error instanceof CannotTrainError)) throw error;
      return await this.#refuse(round, error);
    }
    const { rank, seed } = assignment;
    this.#began = performance.now();
    this.#work = new Work(
      this.#learner,
      { ...plan, round, rank, seed },
      signal,
    );
  }

  /** Tells the server that there is no update for the round, and stays for the next one. */
  async #refuse(round: number, error: CannotTrainError): Promise<void> {
    const session = this.#open();
    const message = shortened(errorMessage(error), MOST_REASON_LENGTH);
    this.#awaited = undefined;
    this.#peers.warn("the server", `Round ${round}: ${message}`);
    this.options.onEvent?.({ type: "cannot-train", round, reason: message });
    await session.send({
      code: MessageCode.Error,
      payload: { fault: "cannot-train", message, fatal: false, round },
    });
    if (!session.isAsync) return;
    // The same parameters may be the newest still: to ask at once would be to ask without end.
    this.#rested = session.rested(pauseMillis(this.#refusals++)).then(() => "rested");
  }

  #tellTrained(): void {
    const { round, result } = this.#work ?? {};
    this.#work?.tell();
    if (round === undefined || result === undefined) return;
    this.#refusals = 0;
    const seconds = (performance.now() - this.#began) / 1000;
    this.options.onEvent?.({ type: "trained", round, result, seconds });
    this.#logger.info(
      `Round ${round}: ${result.steps} steps on ${result.numSamples} samples, loss ${
        result.loss.toFixed(4)
      }`,
    );
  }

  /** The handler is needed for something else. */
  async #giveUpWork(): Promise<void> {
    if (this.#work !== undefined && !this.#work.isTold) {
      this.#peers.warn(
        "the server",
        `Round ${this.#work.round} ended on the server before the training did`,
      );
    }
    await this.#work?.stop();
    this.#work = undefined;
  }

  async #evaluate(
    payload: MessageOf<typeof MessageCode.EvaluateParams>["payload"],
  ): Promise<void> {
    const session = this.#open();
    const { parameters, ...fields } = payload;
    if (parameters === undefined) {
      throw new ProtocolError(
        "invalid-field",
        "Cannot evaluate: expected the field parameters, got none",
      );
    }
    const hasGivenUp = this.#work?.isTold === false;
    await this.#giveUpWork();
    const { numSamples, loss, accuracy } = await this.#judge(
      { ...fields, parameters },
      session,
    );
    if (!Number.isFinite(loss)) {
      this.#peers.warn(
        "the server",
        `Round ${payload.round}: the loss of the parameters is ${loss} here`,
      );
    }
    await session.send({
      code: MessageCode.EvaluateParams,
      payload: {
        round: payload.round,
        numSamples,
        ...(Number.isFinite(loss) && { loss }),
        ...(accuracy !== undefined && { accuracy }),
      },
    });
    if (hasGivenUp) await this.#ask();
  }

  /** Evaluates the parameters; those that are not finite have no loss. */
  async #judge(
    payload: ParameterUpdatePayload,
    { assignment, signal }: Session,
  ): Promise<EvaluateResult> {
    try {
      this.#load(payload, assignment.plan.rule);
    } catch (error) {
      if (!(error instanceof CannotTrainError)) throw error;
      return { numSamples: this.handler.numSamples, loss: NaN };
    }
    this.#isEvaluating = true;
    try {
      return await this.#learner.evaluate(signal);
    } finally {
      this.#isEvaluating = false;
    }
  }

  /** Takes the server's vectors, and what the client keeps as it was after the last update that the server has taken. */
  #load(
    { parameters, control, taken }: ParameterUpdatePayload,
    rule: LocalRule | undefined,
  ): void {
    const { manifest } = this.handler;
    for (const vector of [parameters, control ?? parameters]) {
      if (vector.length !== manifest.length) {
        throw new ProtocolError(
          "shape-mismatch",
          `Cannot load the parameters: expected ${manifest.length} values, got ${vector.length}`,
        );
      }
    }
    // Without a rule nothing depends on what was kept.
    if (!this.#learner.settle(taken) && rule !== undefined) {
      this.#peers.warn(
        "the server",
        `What this client kept for ${rule.name} in round ${taken}, the last that the server has of it, is lost: the result is not that of an undisturbed run`,
      );
    }
    this.#learner.load(parameters, rule, control);
  }
}

import type { Logger } from "../base/log/log.ts";
import type { PeerLog } from "../base/log/peer_log.ts";
import { type Rank, SERVER_RANK } from "../base/rank.ts";
import { traced } from "../base/tracer.ts";
import { withDeadline } from "../base/time/with_deadline.ts";
import type { Connection } from "../net/connection.ts";
import { Manifest } from "../params/manifest.ts";
import { SecureError } from "../secure/errors.ts";
import type { SecureMessage } from "./secure/secure_message.ts";
import { SecureMember } from "./secure/secure_member.ts";
import { CannotTrainError } from "../plan/cannot_train.ts";
import type { ClientBackendHandler } from "../train/handler.ts";
import { MessageCode } from "../wire/message_code.ts";
import type {
  AgreementMode,
  EvaluateParamsPayload,
  ExitPayload,
  IdAssignmentPayload,
  Message,
  Payload,
  StatisticsRequestPayload,
} from "../wire/messages.ts";
import { ClientCodecs, type ReceivedParameters } from "./client_codecs.ts";
import { describeData } from "./describe_data.ts";
import { LocalTrainer } from "./local_trainer.ts";
import type { ClientTopologyOptions } from "./options.ts";
import { backoffMillis, type ServerAddress } from "./session/connect.ts";
import { FormerRank } from "./session/former_rank.ts";
import { describeJoin, describeRecommendation } from "./session/describe_join.ts";
import { join, type ResumeToken, runStopped } from "./session/join.ts";
import type { SessionClient } from "./session/reconnect.ts";
import { Session } from "./session/session.ts";
import { SubModel } from "./sub_model.ts";
import type { TrainingStatus } from "./training_task.ts";

export { followWithReconnects } from "./session/reconnect.ts";

/** Topology that a run belongs to, with the methods that agreements override. */
export interface ClientRunHost {
  readonly server: ServerAddress;
  readonly handler: ClientBackendHandler;
  readonly options: Readonly<ClientTopologyOptions>;
  /** The only mode to accept; `undefined` for any. */
  readonly mode: AgreementMode | undefined;
  /** Returns `true` when the client asks the server for work. */
  asksForWork(): boolean;
  onReceive(sender: Rank, code: MessageCode, payload: Payload): Promise<void>;
  synchronize(): Promise<void>;
}

/** A run of a client topology: the session with the server, and the work it has asked for. */
export class ClientRun implements SessionClient {
  readonly server: ServerAddress;
  readonly logger: Logger;
  readonly peers: PeerLog;
  readonly signal: AbortSignal | undefined;
  readonly hasKey: boolean;
  readonly #host: ClientRunHost;
  readonly #trainer: LocalTrainer;
  readonly #subModel: SubModel;
  #session: Session | undefined;
  readonly #codecs: ClientCodecs;
  readonly #secure: SecureMember;
  readonly #formerRank = new FormerRank();
  /** The round for which the server expects an update, as far as this client knows. */
  #pendingRound: number | undefined;
  /** Resolves when it may ask for work again, after it could not train. */
  #rest: Promise<"rested"> | undefined;

  constructor(
    host: ClientRunHost,
    { logger, peers, signal }: {
      readonly logger: Logger;
      readonly peers: PeerLog;
      readonly signal: AbortSignal | undefined;
    },
  ) {
    const { handler, options: { onEvent, tracer, shareMetrics: share = "all", settings = {} } } =
      host;
    this.hasKey = host.options.credential?.kind === "key";
    this.#host = host;
    this.server = host.server;
    this.logger = logger;
    this.peers = peers;
    this.signal = signal;
    const subModel = this.#subModel = new SubModel(handler);
    this.#codecs = new ClientCodecs(host.options.codecs, subModel);
    this.#secure = new SecureMember(host.options, subModel);
    this.#trainer = new LocalTrainer({
      handler,
      subModel,
      logger,
      peers,
      onEvent,
      tracer,
      share,
      settings,
    });
  }

  /** The server's answer to the registration; `undefined` before the client has joined. */
  get assignment(): IdAssignmentPayload | undefined {
    return this.#session?.assignment;
  }

  /** Joins the group over a connection, for the first time or again. */
  async join(
    connection: Connection,
    before: ResumeToken | undefined,
    deadline: number,
  ): Promise<Session> {
    const { peers, signal } = this;
    const trainer = this.#trainer;
    const { handler, options, mode } = this.#host;
    const { joinSeconds, idleSeconds } = this.server.timeouts;
    const resume = before && { ...before, round: trainer.task?.round };
    const agree = (assignment: IdAssignmentPayload) =>
      this.#codecs.agree(assignment, handler.manifest);
    const joining = join(
      connection,
      handler,
      this.#formerRank.askIn(options),
      { resume, mode, deadline, joinSeconds, agree, subModel: this.#subModel },
      async () => {
        await trainer.stop();
        this.#codecs.reset();
      },
    );
    const assignment = await withDeadline(this.#formerRank.orWithout(joining, options), { signal });
    const isBack = assignment.run === before?.run;
    if (!isBack) trainer.reset();
    await this.#secure.begin(assignment, isBack, handler, (text) => this.logger.warn(text));
    peers.info("the server", describeJoin(connection.remote, assignment, isBack));
    const advice = describeRecommendation(assignment, handler.privacy !== undefined);
    if (advice !== undefined && !isBack) peers.info("the server", advice);
    const manifest = assignment.mode === "statistics"
      ? Manifest.of(assignment.manifest)
      : handler.manifest;
    const isBusy = () => trainer.isBusy;
    const { downlinkBytes } = this.#codecs;
    return this.#session = new Session(
      { connection, assignment, manifest, peers, signal, idleSeconds, isBusy, downlinkBytes },
    );
  }

  /** Catches up with the server, then handles its messages until the run is over. */
  async follow(session: Session): Promise<boolean> {
    const trainer = this.#trainer;
    const { rank, worldSize, rounds } = session.assignment;
    const isClosed = session.assignment.privacy !== undefined || this.isSecure;
    this.#host.options.onEvent?.({
      type: "joined",
      rank,
      worldSize,
      rounds,
      ...(isClosed && { isClosed }),
    });
    await this.#catchUp(session.assignment);
    for (;;) {
      session.touch();
      const task = trainer.unreported;
      let event: Message | TrainingStatus | "rested";
      try {
        const next = session.next();
        const others = [task?.finished, this.#rest].filter((other) => other !== undefined);
        event = await session.wait(others.length === 0 ? next : Promise.race([next, ...others]));
      } catch (error) {
        if (task === undefined || !(error instanceof CannotTrainError)) throw error;
        trainer.clear();
        // A server that has restarted may not have opened the round again, and will ask for it.
        if (task.round === this.#pendingRound) await this.#refuse(task.round, error);
        continue;
      }
      if (event === "rested") {
        this.#rest = undefined;
        await this.requestWork();
      } else if (event === "done") {
        if (task !== undefined) trainer.report(task);
        // A server that has restarted may not have opened the round again, and will ask for it.
        if (task?.round === this.#pendingRound) await this.#host.synchronize();
      } else if (event === "superseded") {
        trainer.clear();
      } else {
        session.consume();
        if (event.code === MessageCode.Exit) return await this.#exit(session, event.payload);
        await this.#host.onReceive(SERVER_RANK, event.code, event.payload);
      }
    }
  }

  /** Trains on the server's parameters, unless the round's training is running or done already. */
  async train(payload: ReceivedParameters): Promise<void> {
    const session = this.#open(), { round } = payload;
    const { task } = this.#trainer;
    if ("parameters" in payload) this.#subModel.keep(payload.parameters);
    // A message that is not acted on is the base of the next one all the same.
    const complete = this.#codecs.complete(payload);
    this.#pendingRound = round;
    const part = this.#secure.partOf(payload);
    // A server that was resumed with other settings wants the round to be trained by them.
    const isKnown = this.#trainer.hasPlanOf(payload, session) && !this.#host.asksForWork();
    if (isKnown && (part === undefined || this.#secure.has(round, part))) {
      // A masked update is sent when the boxes of an attempt come.
      if (task?.isReported && part === undefined) await this.#host.synchronize();
      return;
    }
    await this.#trainer.abandon();
    this.#rest = undefined;
    await this.#orRefuse(round, async () => {
      this.#secure.keep(payload, part);
      this.#trainer.begin(this.#codecs.receive(complete), session);
      const early = await this.#secure.answerEarly(round);
      if (early !== undefined) await session.send(early);
    });
  }

  /** Answers a message of secure aggregation, or says that the client refuses what it asks for. */
  async answerSecurely(message: SecureMessage): Promise<void> {
    const session = this.#open(), { code, payload: { round } } = message;
    if (code === MessageCode.SecureKeys) this.#pendingRound = round;
    await this.#orRefuse(round, async () => {
      const answer = await this.#secure.answer(message);
      if (answer !== undefined) await session.send(answer);
      const { task } = this.#trainer;
      const isTrained = task?.round === round && task.isReported;
      if (code === MessageCode.SecureShares && isTrained) await this.#host.synchronize();
    });
  }

  /** True if the run has secure aggregation. */
  get isSecure(): boolean {
    return this.#secure.isOn;
  }

  /** Evaluates the server's parameters, and asks for work if a training was abandoned for that. */
  async evaluate(payload: EvaluateParamsPayload): Promise<void> {
    this.#secure.checkEvaluation();
    const isTraining = this.#trainer.unreported !== undefined;
    if (payload.parameters !== undefined) this.#subModel.keep(payload.parameters);
    const whole = this.#codecs.receiveToEvaluate(payload);
    await this.#trainer.evaluate(whole, this.#open());
    if (isTraining) await this.requestWork();
  }

  /** Answers a question of the server about the client's data. */
  async describe(request: StatisticsRequestPayload): Promise<void> {
    const { handler, options: { statistics } } = this.#host, { logger } = this;
    await this.#open().send(await describeData(handler, request, statistics, logger));
  }

  /**
   * Sends the result of the last training, and asks for more work. Does nothing without a result.
   */
  async synchronize(): Promise<void> {
    const session = this.#open();
    const { updateMessage, task } = this.#trainer;
    if (this.#secure.isOn) return await this.#synchronizeSecurely();
    const message = this.#codecs.send(updateMessage);
    if (message === undefined) return;
    await this.#sendUpdate(session, message, task?.round);
    this.logger.debug(`Sent the update of round ${task?.round}`);
    await this.requestWork();
  }

  async #sendUpdate(session: Session, message: Message, round = 0): Promise<void> {
    const { trace } = this.#trainer, tracer = this.#trainer.tracerOf(session, trace);
    await traced(tracer, { name: "send", round, parent: trace }, () => session.send(message));
  }

  async #synchronizeSecurely(): Promise<void> {
    const { updateMessage, task } = this.#trainer;
    if (task === undefined) return;
    await this.#orRefuse(task.round, async () => {
      const message = await this.#secure.masked(updateMessage, task);
      if (message === undefined) return;
      await this.#sendUpdate(this.#open(), message, task.round);
      this.logger.debug(`Sent the masked update of round ${task.round}`);
    });
  }

  /** Asks the server for work, when the agreement says so. */
  async requestWork(): Promise<void> {
    const session = this.#open();
    if (!this.#host.asksForWork()) return;
    await session.send({ code: MessageCode.ParameterRequest, payload: {} });
  }

  /** Stops the training, and waits until the handler is free again. */
  async stop(): Promise<void> {
    await this.#trainer.stop();
  }

  #open(): Session {
    if (this.#session === undefined) {
      throw new Error("Cannot talk to the server: the topology is not running");
    }
    return this.#session;
  }

  /** Sends an update that the server has not received yet, or asks for work. */
  async #catchUp({ awaits, mode }: IdAssignmentPayload): Promise<void> {
    this.#pendingRound = awaits;
    const { task } = this.#trainer;
    // Without rounds, an update that is not expected now never will be.
    const isKnown = awaits !== undefined || mode === "async";
    if (isKnown && task?.round !== awaits) await this.#trainer.abandon();
    // An update whose training still goes on is sent when it is done.
    else if (awaits !== undefined && task?.isReported && !this.#secure.isOn) {
      await this.#host.synchronize();
    }
    this.#rest = undefined;
    if (awaits === undefined) await this.requestWork();
  }

  /** Does something for a round, or tells the server that there will be no update for it. */
  async #orRefuse(round: number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof CannotTrainError || error instanceof SecureError)) throw error;
      await this.#refuse(round, error);
    }
  }

  /** Tells the server that there is no update for the round, and stays for the next one. */
  async #refuse(round: number, error: Error): Promise<void> {
    const session = this.#open();
    this.#pendingRound = undefined;
    const millis = backoffMillis(this.#trainer.refusals);
    await this.#trainer.refuse(round, error, session, this.#secure.reasonFor(error));
    // The server may have no newer parameters yet: asking at once could go on for ever.
    if (this.#host.asksForWork()) this.#rest = session.rest(millis).then(() => "rested");
  }

  /** Answers the server's `Exit`; returns true if another run begins at the same address. */
  async #exit(session: Session, payload: ExitPayload): Promise<boolean> {
    const { reason, over = true, next = false } = payload;
    this.logger.info(`The server says: ${reason}`);
    await session.send({ code: MessageCode.Exit, payload: { reason } });
    if (!over) throw runStopped(payload, session.assignment.mode);
    if (next) this.#formerRank.keep(session.assignment.rank);
    return next;
  }
}

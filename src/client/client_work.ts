import type { Logger } from "../base/log/log.ts";
import { traced } from "../base/tracer.ts";
import { CannotTrainError } from "../plan/cannot_train.ts";
import { SecureError } from "../secure/errors.ts";
import { MessageCode } from "../wire/message_code.ts";
import type {
  EvaluateParamsPayload,
  IdAssignmentPayload,
  Message,
  StatisticsRequestPayload,
} from "../wire/messages.ts";
import type { ClientCodecs, ReceivedParameters } from "./client_codecs.ts";
import type { ClientParts, ClientRunHost } from "./client_parts.ts";
import { describeData } from "./describe_data.ts";
import type { LocalTrainer } from "./local_trainer.ts";
import { checkToldEvaluation } from "./required_privacy.ts";
import type { SecureMember } from "./secure/secure_member.ts";
import type { SecureMessage } from "./secure/secure_message.ts";
import { backoffMillis } from "./session/connect.ts";
import type { Session } from "./session/session.ts";
import type { SubModel } from "./sub_model.ts";
import type { TrainingStatus } from "./training_task.ts";

/** Work of a client: what the server asks for, and the answers. */
export class ClientWork {
  /** Connection that the client answers over; `undefined` before it has joined. */
  session: Session | undefined;
  readonly #host: ClientRunHost;
  readonly #trainer: LocalTrainer;
  readonly #subModel: SubModel;
  readonly #codecs: ClientCodecs;
  readonly #secure: SecureMember;
  readonly #logger: Logger;
  /** The round for which the server expects an update, as far as this client knows. */
  #pendingRound: number | undefined;
  /** Resolves when it may ask for work again, after it could not train. */
  #rest: Promise<"rested"> | undefined;

  /** Creates the work of a client that has not joined yet. */
  constructor(host: ClientRunHost, parts: ClientParts, logger: Logger) {
    this.#host = host;
    this.#trainer = parts.trainer;
    this.#subModel = parts.subModel;
    this.#codecs = parts.codecs;
    this.#secure = parts.secure;
    this.#logger = logger;
  }

  /** Waits for a message of the server, and meanwhile sends the results of trainings that end. */
  async nextMessage(): Promise<Message> {
    const session = this.#open(), trainer = this.#trainer;
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
        return event;
      }
    }
  }

  /** Sends an update that the server has not received yet, or asks for work. */
  async catchUp({ awaits, mode }: IdAssignmentPayload): Promise<void> {
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
    checkToldEvaluation(this.#host.options);
    const isTraining = this.#trainer.unreported !== undefined;
    if (payload.parameters !== undefined) this.#subModel.keep(payload.parameters);
    const whole = this.#codecs.receiveToEvaluate(payload);
    await this.#trainer.evaluate(whole, this.#open());
    if (isTraining) await this.requestWork();
  }

  /** Answers a question of the server about the client's data. */
  async describe(request: StatisticsRequestPayload): Promise<void> {
    const { handler, options: { statistics } } = this.#host;
    await this.#open().send(await describeData(handler, request, statistics, this.#logger));
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
    this.#logger.debug(`Sent the update of round ${task?.round}`);
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
      this.#logger.debug(`Sent the masked update of round ${task.round}`);
    });
  }

  /** Asks the server for work, when the agreement says so. */
  async requestWork(): Promise<void> {
    const session = this.#open();
    if (!this.#host.asksForWork()) return;
    await session.send({ code: MessageCode.ParameterRequest, payload: {} });
  }

  #open(): Session {
    if (this.session !== undefined) return this.session;
    throw new Error("Cannot talk to the server: the topology is not running");
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
    await this.#trainer.refuse(round, error, session, this.#secure.noticeOf(error));
    // The server may have no newer parameters yet: asking at once could go on for ever.
    if (this.#host.asksForWork()) this.#rest = session.rest(millis).then(() => "rested");
  }
}

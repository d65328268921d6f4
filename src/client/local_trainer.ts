import { errorMessage, ProtocolError } from "../base/errors.ts";
import type { Logger } from "../base/log/log.ts";
import type { PeerLog } from "../base/log/peer_log.ts";
import { traced, type Tracer } from "../base/tracer.ts";
import { shortened } from "../base/printable.ts";
import { privacyText } from "../train/client_privacy.ts";
import type { ClientBackendHandler } from "../train/handler.ts";
import { MessageCode } from "../wire/message_code.ts";
import type { EvaluateParamsPayload, Message, ParameterUpdatePayload } from "../wire/messages.ts";
import { MOST_REASON_LENGTH } from "../wire/messages/exit.ts";
import { type OwnSettings, withOwn } from "../plan/own_settings.ts";
import type { EvaluateResult } from "../plan/results.ts";
import { figuresText, sharedEvaluation } from "./shared_figures.ts";
import { isSamePlan, type TrainPlan } from "../plan/train_plan.ts";
import { LocalModel } from "./local_model.ts";
import type { ClientEvent } from "./events.ts";
import type { SharedMetrics } from "./options.ts";
import type { Notice } from "./secure/secure_member.ts";
import type { Session } from "./session/session.ts";
import type { SubModel } from "./sub_model.ts";
import { endWith, type TrainingTask } from "./training_task.ts";

/** Surroundings of a {@linkcode LocalTrainer}. */
export interface LocalTrainerOptions {
  readonly handler: ClientBackendHandler;
  /** Part of the model that travels. */
  readonly subModel: SubModel;
  readonly logger: Logger;
  /** Log of the lines whose number the server decides. */
  readonly peers: PeerLog;
  readonly onEvent: ((event: ClientEvent) => void) | undefined;
  /** Observer of trainings and evaluations. */
  readonly tracer: Tracer | undefined;
  /** Figures that the client shares. */
  readonly share: SharedMetrics;
  /** Settings of training in place of the server's. */
  readonly settings: OwnSettings;
}

/** Carries out the server's requests to train and to evaluate. */
export class LocalTrainer {
  readonly #options: LocalTrainerOptions;
  readonly #model: LocalModel;
  #task: TrainingTask | undefined;
  #trace: string | undefined;
  #isEvaluating = false;
  #hasToldRows = false;
  #hasToldWarning = false;
  /** Number of rounds in a row for which it could not train. */
  #refusals = 0;

  constructor(options: LocalTrainerOptions) {
    this.#options = options;
    this.#model = new LocalModel(options.handler, options.subModel, (text) => this.#warn(text));
  }

  /** The last round's training, running or done. */
  get task(): TrainingTask | undefined {
    return this.#task;
  }

  /** The training whose end was not reported yet. */
  get unreported(): TrainingTask | undefined {
    return this.#task?.isReported ? undefined : this.#task;
  }

  /** Set while the handler trains or evaluates, or the end of its training was not reported. */
  get isBusy(): boolean {
    return this.#isEvaluating || this.unreported !== undefined;
  }

  /** Number of rounds in a row for which the client could not train. */
  get refusals(): number {
    return this.#refusals;
  }

  /** The message with the result of the task; `undefined` while there is none. */
  get updateMessage(): Message | undefined {
    return this.#task && this.#model.updateMessage(this.#task, this.#options.share);
  }

  /** Drops a task that has ended. */
  clear(): void {
    this.#task = undefined;
  }

  /** Drops the task, and waits until the handler is free again. */
  async stop(): Promise<void> {
    await this.#task?.stop();
    this.#task = undefined;
  }

  /** Stops the task because the server has gone on, with a warning if its end was not reported. */
  async abandon(): Promise<void> {
    const { unreported } = this;
    if (unreported !== undefined) {
      this.#warn(`Round ${unreported.round} ended on the server before the training did`);
    }
    await this.stop();
  }

  /** Forgets the task and the state kept for the rule, when another run begins. */
  reset(): void {
    this.#task = undefined;
    this.#model.reset();
  }

  /**
   * Begins to train for a round.
   *
   * @throws {CannotTrainError} If the parameters are not finite.
   * @throws {ProtocolError} If their length is not the model's.
   */
  begin(payload: ParameterUpdatePayload, session: Session): void {
    const { handler } = this.#options, { rounds } = session.assignment;
    handler.privacy?.expect(Math.max(1, rounds - payload.round + 1));
    const { round, trace } = payload;
    this.#trace = trace;
    const end = this.tracerOf(session, trace)?.begin({ name: "train", round, parent: trace });
    try {
      this.#task = this.#model.train(payload, this.#planOf(payload, session), session.signal);
    } catch (error) {
      end?.(error);
      throw error;
    }
    if (end !== undefined) endWith(this.#task, end);
  }

  /** Context of the trace of the last round's training, which the server has sent. */
  get trace(): string | undefined {
    return this.#trace;
  }

  /**
   * Returns the observer of a step; `undefined` for a private run whose server has sent no context:
   * nobody may know then who took part in its rounds.
   */
  tracerOf({ assignment }: Session, trace: string | undefined): Tracer | undefined {
    const isHidden = assignment.privacy !== undefined && trace === undefined;
    return isHidden ? undefined : this.#options.tracer;
  }

  /** Returns `true` if the task has the settings that the server asks for. */
  hasPlanOf(payload: Pick<ParameterUpdatePayload, "round" | "plan">, session: Session): boolean {
    const task = this.#task;
    return task?.round === payload.round && isSamePlan(task.plan, this.#planOf(payload, session));
  }

  #planOf(
    { round, plan }: Pick<ParameterUpdatePayload, "round" | "plan">,
    { assignment }: Session,
  ): TrainPlan {
    const { rank, seed } = assignment;
    const settings = { ...plan ?? assignment.plan, round, rank, seed };
    return withOwn(settings, this.#options.settings);
  }

  /** Reports the end of a training to the log and the application. */
  report(task: TrainingTask): void {
    const { round, result, seconds } = task;
    task.markReported();
    if (result === undefined) return;
    this.#refusals = 0;
    const privacy = this.#options.handler.privacy?.report;
    this.#options.onEvent?.({
      ...{ type: "trained", round, result, seconds },
      ...(privacy && { privacy }),
    });
    this.#options.logger.info(
      `Round ${round}: ${result.steps} steps on ${result.numSamples} samples, ${
        figuresText(result)
      }${privacy ? `; ${privacyText(privacy)}` : ""}`,
    );
    if (privacy?.warning !== undefined && !this.#hasToldWarning) {
      this.#hasToldWarning = true;
      this.#options.logger.warn(privacy.warning);
    }
  }

  /** Tells the server that there is no update for the round, by an error or a notice of it. */
  async refuse(round: number, error: Error, session: Session, notice?: Notice): Promise<void> {
    const message = shortened(errorMessage(error), MOST_REASON_LENGTH);
    this.#warn(`Round ${round}: ${message}`);
    this.#options.onEvent?.({ type: "cannot-train", round, reason: message });
    await session.send({
      code: MessageCode.Error,
      payload: { fault: "cannot-train", message, fatal: false, round, ...notice },
    });
    this.#refusals++;
  }

  /**
   * Evaluates the server's parameters and answers with the figures.
   *
   * @throws {ProtocolError} If there are no parameters, or their length is not the model's.
   */
  async evaluate(
    { parameters, ...fields }: EvaluateParamsPayload,
    session: Session,
  ): Promise<void> {
    const { round } = fields;
    if (parameters === undefined) {
      throw new ProtocolError(
        "invalid-field",
        "Cannot evaluate: expected the field parameters, got none",
      );
    }
    await this.abandon();
    const { assignment: { plan: { rule } }, signal } = session;
    this.#isEvaluating = true;
    const { trace } = fields, tracer = this.tracerOf(session, trace);
    const result = await traced(
      tracer,
      { name: "evaluate", round, parent: trace },
      () => this.#model.evaluate({ ...fields, parameters }, rule, signal),
    ).finally(() => this.#isEvaluating = false);
    this.#reportEvaluation(round, result);
    await session.send({
      code: MessageCode.EvaluateParams,
      payload: { round, ...sharedEvaluation(result, this.#options.share) },
    });
  }

  /** Reports an evaluation to the log and the application. */
  #reportEvaluation(round: number, result: EvaluateResult): void {
    const { numSamples, loss, onTrainingRows = false } = result;
    this.#options.onEvent?.({ type: "evaluated", round, result });
    if (onTrainingRows && !this.#hasToldRows) {
      this.#hasToldRows = true;
      this.#options.logger.info(
        "Evaluates on the rows it trains on, on which a model looks better than it is (--hold-out keeps others)",
      );
    }
    if (!Number.isFinite(loss)) {
      return this.#warn(`Round ${round}: the loss of the parameters is ${loss} here`);
    }
    this.#options.logger.info(
      `Round ${round}: evaluated on ${numSamples} samples, ${figuresText(result)}`,
    );
  }

  #warn(text: string): void {
    this.#options.peers.warn("the server", text);
  }
}

import { ProtocolError } from "../base/errors.ts";
import { CannotTrainError } from "../plan/cannot_train.ts";
import type { EvaluateResult } from "../plan/results.ts";
import { type LocalRule, sendsGradient } from "../plan/rules/rules.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import type { ClientBackendHandler } from "../train/handler.ts";
import { LocalLearner } from "../train/rules/learner.ts";
import { MessageCode } from "../wire/message_code.ts";
import type { Message, ParameterUpdatePayload } from "../wire/messages.ts";
import { toldSamples } from "./own_privacy.ts";
import { sharedFigures } from "./shared_figures.ts";
import type { SharedMetrics } from "./options.ts";
import type { SubModel } from "./sub_model.ts";
import { TrainingTask } from "./training_task.ts";

/** A client's model: the handler, and the algorithm's rule for it. */
export class LocalModel {
  readonly #handler: ClientBackendHandler;
  readonly #learner: LocalLearner;
  readonly #sub: SubModel;
  readonly #warn: (text: string) => void;

  /**
   * Makes the model of a handler.
   *
   * @param sub Part of the model that travels.
   * @param warn Called when the state kept for a rule is lost.
   */
  constructor(handler: ClientBackendHandler, sub: SubModel, warn: (text: string) => void) {
    this.#sub = sub;
    this.#handler = handler;
    this.#learner = new LocalLearner(handler);
    this.#warn = warn;
  }

  /** Forgets the state kept for the rule, when another run begins. */
  reset(): void {
    this.#learner.own = undefined;
  }

  /**
   * Loads a round's parameters and begins to train.
   *
   * @throws {CannotTrainError} If the parameters are not finite.
   * @throws {ProtocolError} If their length is not the model's.
   */
  train(
    payload: ParameterUpdatePayload,
    plan: TrainPlan,
    signal: AbortSignal | undefined,
  ): TrainingTask {
    this.#load(payload, plan.rule);
    return new TrainingTask(this.#learner, plan, signal);
  }

  /**
   * Evaluates parameters. The loss is `NaN` for parameters that are not finite.
   *
   * @throws {ProtocolError} If their length is not the model's.
   */
  async evaluate(
    payload: ParameterUpdatePayload,
    rule: LocalRule | undefined,
    signal: AbortSignal | undefined,
  ): Promise<EvaluateResult> {
    try {
      this.#load(payload, rule);
    } catch (error) {
      if (!(error instanceof CannotTrainError)) throw error;
      return { numSamples: this.#handler.numSamples, loss: NaN };
    }
    return await this.#learner.evaluate(signal);
  }

  /**
   * Makes the message with the result of a training; `undefined` while there is no result.
   *
   * @param share Figures that the client shares.
   */
  updateMessage(
    { round, plan: { rule }, result }: TrainingTask,
    share: SharedMetrics,
  ): Message | undefined {
    if (result === undefined) return undefined;
    const { steps, ...figuresOfTraining } = result;
    const update = this.#sub.part(this.#learner.update);
    const isPrivate = this.#handler.privacy !== undefined;
    const numSamples = toldSamples(this.#handler, result.numSamples);
    const figures = { round, numSamples, ...sharedFigures(figuresOfTraining, share) };
    return sendsGradient(rule)
      ? { code: MessageCode.GradientUpdate, payload: { ...figures, gradient: update } }
      : {
        code: MessageCode.ParameterUpdate,
        payload: { ...figures, ...(!isPrivate && { steps }), parameters: update },
      };
  }

  /**
   * Loads the server's vectors, and restores the state kept for the rule to its value after the
   * last update that the server has accepted.
   */
  #load(
    { taken, ...sent }: ParameterUpdatePayload,
    rule: LocalRule | undefined,
  ): void {
    const { manifest } = this.#handler;
    const parameters = this.#sub.whole(sent.parameters);
    const control = this.#sub.wholeControl(sent.control);
    for (const vector of [parameters, control ?? parameters]) {
      if (vector.length !== manifest.length) {
        throw new ProtocolError(
          "shape-mismatch",
          `Cannot load the parameters: expected ${manifest.length} values, got ${vector.length}`,
        );
      }
    }
    // Without a rule, nothing depends on the state.
    if (!this.#learner.settle(taken) && rule !== undefined) {
      this.#warn(
        `What this client kept for ${rule.name} in round ${taken}, the last that the server has of it, is lost: the result is not that of an undisturbed run`,
      );
    }
    this.#learner.load(parameters, rule, control);
  }
}

/**
 * A client's side of an algorithm: a handler that trains by a rule.
 *
 * @module
 */

import type { ParameterVector } from "../../params/manifest.ts";
import { checkClientChoices } from "../../plan/compatibility/client_choices.ts";
import type { EvaluateResult, TrainResult } from "../../plan/results.ts";
import { checkFinite, type RuleClient, type RuleTraining } from "../../plan/rules/rule.ts";
import {
  checkRule,
  keepsState,
  type LocalRule,
  ruleOf,
  takesControl,
} from "../../plan/rules/rules.ts";
import type { TrainPlan } from "../../plan/train_plan.ts";
import type { UpdatePrivacy } from "../client_privacy.ts";
import type { ClientBackendHandler } from "../handler.ts";
import { ClientOfRound, TrainingOfRound } from "./client_of_round.ts";
import { OwnVector } from "./own_vector.ts";

/**
 * A client's side of an algorithm: joins a handler, which trains the model, and a rule, which says
 * what to add to the training.
 *
 * The client keeps the vector {@linkcode LocalLearner.own}, which the owner of the client may store
 * elsewhere between rounds. Training does not change it: {@linkcode LocalLearner.settle} does, once
 * it is known whether the server took the update.
 */
export class LocalLearner {
  readonly #own = new OwnVector();
  readonly #handler: ClientBackendHandler;
  #global: ParameterVector | undefined;
  #control: ParameterVector | undefined;
  #sent: ParameterVector | undefined;
  #rule: LocalRule | undefined;

  /** Makes a learner that trains by this handler. */
  constructor(handler: ClientBackendHandler) {
    this.#handler = handler;
  }

  /**
   * The client's own vector, as long as the model; `undefined` before there is one. Setting it
   * discards what the last training proposed.
   */
  get own(): ParameterVector | undefined {
    return this.#own.vector;
  }

  set own(vector: ParameterVector | undefined) {
    this.#own.vector = vector;
  }

  /**
   * Restores {@linkcode LocalLearner.own} to its value after an earlier round, before
   * {@linkcode LocalLearner.load} is called.
   *
   * The learner knows the last two values that counted, and the one that the last training
   * proposed.
   *
   * @param taken The round of the last update of this client that the server took, 0 for none. By
   * default that of the last training.
   * @returns Whether the value is known. If not, the nearest one counts.
   */
  settle(taken?: number): boolean {
    return this.#own.settle(taken);
  }

  /**
   * The vector that the client sends: its parameters after training, or its gradient by the rule
   * `gradient`, laid out as the manifest says. A view that the next training overwrites.
   */
  get update(): ParameterVector {
    return this.#sent ?? this.#handler.parameters;
  }

  /**
   * Takes the round's parameters, and the server's control variate if the rule has one.
   *
   * @throws {CannotTrainError} If a value is not finite.
   * @throws {RangeError} If the handler does not take the parameters.
   */
  load(parameters: ParameterVector, rule?: LocalRule, control?: ParameterVector): void {
    const { manifest } = this.#handler;
    try {
      this.#handler.parameters = parameters;
    } catch (error) {
      checkFinite(parameters, "the server's parameters");
      throw error;
    }
    this.#rule = rule;
    this.#sent = undefined;
    if (this.#handler.privacy?.updates) this.#global = copyOf(parameters, this.#global);
    if (!rule) return;
    // The caller may overwrite what it passed while this client trains.
    if (takesControl(rule)) {
      if (control) manifest.check(control);
      this.#control = copyOf(control ?? new Float32Array(manifest.length), this.#control);
    }
    if (!keepsState(rule)) return;
    this.#global = copyOf(parameters, this.#global);
    ruleOf(rule).load?.(rule, this.#client());
  }

  /**
   * Trains by the plan and its rule.
   *
   * @throws {CannotTrainError} If what the rule adds or keeps is not finite.
   * @throws {RangeError} If the rule does not go with the plan.
   * @throws Whatever the handler's `train` rejects with.
   */
  async train(plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    const rule = this.#rule, handler = this.#handler;
    const { privacy } = handler;
    checkClientChoices(rule ? { ...plan, rule } : plan, privacy?.report.mechanism);
    checkRule(rule, handler.manifest);
    if (privacy?.updates) await privacy.updates.check();
    const result = rule
      ? await ruleOf(rule).train(rule, this.#training(plan, signal))
      : await handler.train(plan, signal);
    if (privacy?.updates) this.#sent = await this.#protect(privacy.updates);
    return result;
  }

  /** Puts noise on the update. */
  async #protect(updates: UpdatePrivacy): Promise<ParameterVector> {
    const { manifest: { tensors } } = this.#handler;
    const fixed = tensors.filter(({ trainable }) => !trainable)
      .map(({ offset, length }) => [offset, offset + length] as const);
    const from = this.#global ?? new Float32Array(0);
    return await updates.protect({ from, to: this.update, fixed });
  }

  /**
   * Evaluates the model that the client uses: its own parameters if the rule has any, else the
   * global ones.
   */
  async evaluate(signal?: AbortSignal): Promise<EvaluateResult> {
    const rule = this.#rule;
    if (rule) ruleOf(rule).beforeEvaluate?.(rule, this.#client());
    return await this.#handler.evaluate(signal);
  }

  #client(): RuleClient {
    return new ClientOfRound(this.#handler, {
      own: this.own,
      global: this.#global,
      control: this.#control,
    });
  }

  #training(plan: TrainPlan, signal?: AbortSignal): RuleTraining {
    return new TrainingOfRound(this.#handler, {
      own: this.own,
      global: this.#global,
      control: this.#control,
    }, {
      plan,
      ...(signal && { signal }),
      keep: (vector) => this.#own.propose(plan.round, vector),
      send: (vector) => this.#sent = vector,
    });
  }
}

/** Copies a vector, into `into` if that is as long. */
function copyOf(vector: ParameterVector, into?: ParameterVector): ParameterVector {
  if (into?.length !== vector.length) return vector.slice();
  into.set(vector);
  return into;
}

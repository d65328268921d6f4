/**
 * What an algorithm has its clients do beside descending on their own loss.
 *
 * @module
 */

import { difference, fold, scale, stats } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { LocalRule } from "../../plan/rules/rules.ts";
import { checkRule, localRanges } from "./check_rule.ts";
import { CannotTrainError } from "../cannot_train.ts";
import type { TrainPlan } from "../../plan/train_plan.ts";
import type { ClientBackendHandler, EvaluateResult, TrainResult } from "../handler.ts";
import { OwnVector } from "./own_vector.ts";

/** Rules by which a client keeps nothing from round to round. */
const STATELESS: ReadonlySet<LocalRule["name"]> = new Set(["gradient", "initial-loss"]);

/** Whether a client keeps a vector of its own from round to round. */
export function keepsState(rule: LocalRule | undefined): boolean {
  return rule !== undefined && !STATELESS.has(rule.name);
}

/** Whether the server sends a second vector with the parameters. */
export function takesControl(rule: LocalRule | undefined): boolean {
  return rule?.name === "scaffold";
}

/**
 * A client's side of an algorithm: joins a handler, which knows how to descend, and a rule, which says what to add.
 *
 * What the client keeps is `own`, which whoever owns the client may put elsewhere between rounds. A training does not change it: {@linkcode LocalLearner.settle}
 * does, when it is known what became of the update.
 */
export class LocalLearner {
  readonly #own = new OwnVector();
  readonly #handler: ClientBackendHandler;
  #global: ParameterVector | undefined;
  #control: ParameterVector | undefined;
  #sent: ParameterVector | undefined;
  #rule: LocalRule | undefined;

  /** Learns by this handler. */
  constructor(handler: ClientBackendHandler) {
    this.#handler = handler;
  }

  /** The client's own vector, as long as the model; `undefined` before there is one. Setting it forgets what was to become of it. */
  get own(): ParameterVector | undefined {
    return this.#own.vector;
  }

  set own(vector: ParameterVector | undefined) {
    this.#own.vector = vector;
  }

  /**
   * Has `own` be what it was when the server had taken the update of the round `taken`, its last of this client, 0 for none; by default what the last
   * training made of it. To be called before {@linkcode LocalLearner.load}.
   *
   * It knows the last two that counted, and what came of the last training. False when it is none of these: the nearest counts then.
   */
  settle(taken?: number): boolean {
    return this.#own.settle(taken);
  }

  /**
   * What the client sends: its parameters after training, or its gradient by the rule `gradient`, laid out as the manifest says. A view that the
   * next training overwrites.
   */
  get update(): ParameterVector {
    return this.#sent ?? this.#handler.parameters;
  }

  /**
   * Takes the round's parameters, and the server's control variate where the rule has one. Throws a
   * {@linkcode CannotTrainError} for values that are not finite, and the `RangeError`s of the
   * handler's `parameters`.
   */
  load(parameters: ParameterVector, rule?: LocalRule, control?: ParameterVector): void {
    const { manifest } = this.#handler;
    try {
      this.#handler.parameters = parameters;
    } catch (error) {
      needFinite(parameters, "the server's parameters");
      throw error;
    }
    this.#rule = rule;
    this.#sent = undefined;
    if (!rule || !keepsState(rule)) return;
    // What came is the caller's, who may overwrite it while this client trains.
    this.#global = copyOf(parameters, this.#global);
    if (rule.name === "scaffold") {
      if (control) manifest.check(control);
      this.#control = copyOf(control ?? new Float32Array(manifest.length), this.#control);
    }
    if (rule.name === "fedper") this.#handler.parameters = this.#personal(rule, parameters);
  }

  /**
   * Trains by the plan and its rule. Rejects as the handler's `train` does, with a
   * {@linkcode CannotTrainError} when what the rule adds or keeps is not finite, and with a
   * `RangeError` for a rule that the plan's optimizer does not go with.
   */
  async train(plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    const rule = this.#rule, handler = this.#handler;
    checkRule({ ...plan, ...(rule && { rule }) }, handler.manifest);
    switch (rule?.name) {
      case undefined:
        return await handler.train(plan, signal);
      case "gradient": {
        const { gradient, ...figures } = await handler.gradient(plan, signal);
        this.#sent = gradient;
        return { ...figures, steps: 0 };
      }
      case "initial-loss": {
        const { loss: initialLoss } = await handler.evaluateTraining(signal);
        if (!Number.isFinite(initialLoss)) {
          throw new CannotTrainError(
            `Cannot train on these parameters: their loss is ${initialLoss} before the first step`,
          );
        }
        const result = await handler.train(plan, signal);
        return { ...result, metrics: { ...result.metrics, initialLoss } };
      }
      case "scaffold":
        return await this.#scaffold(plan, signal);
      case "feddyn":
        return await this.#feddyn(rule.alpha, plan, signal);
      case "ditto":
        return await this.#ditto(rule.lambda, plan, signal);
      case "fedper": {
        const result = await handler.train(plan, signal);
        this.#own.propose(plan.round, handler.parameters.slice());
        this.#sent = copyOf(handler.parameters, this.#sent);
        for (const [from, to] of localRanges(rule, handler.manifest)) {
          this.#sent.set(this.#here().subarray(from, to), from);
        }
        return result;
      }
    }
  }

  /** Evaluates what the client uses: its own parameters where the rule has such, else the global ones. */
  async evaluate(signal?: AbortSignal): Promise<EvaluateResult> {
    const rule = this.#rule, own = this.own;
    if (rule?.name === "ditto" && own) this.#handler.parameters = own;
    return await this.#handler.evaluate(signal);
  }

  #here(): ParameterVector {
    if (this.#global === undefined) throw new Error("Cannot train: no parameters were loaded");
    return this.#global;
  }

  async #scaffold(plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    const handler = this.#handler, x = this.#here();
    const correction = copyOf(this.#control ?? new Float32Array(x.length));
    if (this.own) fold(correction, this.own, -1);
    needFinite(correction, "the server's control variate less the client's own");
    const result = await handler.train({ ...plan, correction }, signal);
    const moved = new Float32Array(x.length);
    difference(x, handler.parameters, moved);
    // c_i - c is the correction's opposite.
    scale(correction, -1);
    fold(correction, moved, 1 / (result.steps * plan.learningRate));
    needFinite(correction, "the client's own control variate");
    this.#own.propose(plan.round, correction);
    return result;
  }

  async #feddyn(alpha: number, plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    const handler = this.#handler, x = this.#here();
    const next = this.own?.slice() ?? new Float32Array(x.length);
    const correction = copyOf(next);
    scale(correction, -1);
    const proximal = (plan.proximal ?? 0) + alpha;
    const result = await handler.train({ ...plan, proximal, correction }, signal);
    const moved = correction;
    difference(handler.parameters, x, moved);
    fold(next, moved, -alpha);
    needFinite(next, "what the client keeps for FedDyn");
    this.#own.propose(plan.round, next);
    return result;
  }

  async #ditto(lambda: number, plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    const handler = this.#handler, x = this.#here();
    const result = await handler.train(plan, signal);
    this.#sent = copyOf(handler.parameters, this.#sent);
    const own = this.own ?? x;
    // The pull is towards x, not towards where this training begins: λ (v - x) = λ (v - v_0) + λ (v_0 - x).
    const correction = copyOf(own);
    fold(correction, x, -1);
    scale(correction, lambda);
    needFinite(correction, "the pull of Ditto");
    handler.parameters = own;
    const proximal = (plan.proximal ?? 0) + lambda;
    await handler.train({ ...plan, proximal, correction }, signal);
    this.#own.propose(plan.round, handler.parameters.slice());
    return result;
  }

  /** The global parameters with the client's own tensors in their places. */
  #personal(
    rule: LocalRule & { name: "fedper" },
    parameters: ParameterVector,
  ): ParameterVector {
    const mixed = copyOf(parameters), own = this.own;
    for (const [from, to] of localRanges(rule, this.#handler.manifest)) {
      if (own) mixed.set(own.subarray(from, to), from);
    }
    return mixed;
  }
}

/**
 * Throws a `CannotTrainError` for a vector that is to be added or kept, and has values that are not
 * finite.
 */
function needFinite(vector: ParameterVector, what: string): void {
  const { nonFinite } = stats(vector);
  if (nonFinite === 0) return;
  throw new CannotTrainError(
    `Cannot train on these parameters: expected ${what} to be finite, got ${nonFinite} of ${vector.length} values that are not`,
  );
}

/** A copy, in `into` where that is as long. */
function copyOf(vector: ParameterVector, into?: ParameterVector): ParameterVector {
  if (into?.length !== vector.length) return vector.slice();
  into.set(vector);
  return into;
}

import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import type { EvaluateResult, GradientResult, TrainResult } from "../../plan/results.ts";
import type { RuleClient, RuleCorrection, RuleTraining } from "../../plan/rules/rule.ts";
import type { TrainPlan } from "../../plan/train_plan.ts";
import type { ClientBackendHandler } from "../handler.ts";

/** The vectors of a client in a round. */
export interface RoundVectors {
  readonly own: ParameterVector | undefined;
  readonly global: ParameterVector | undefined;
  readonly control: ParameterVector | undefined;
}

/** A client in one round, for its rule. */
export class ClientOfRound implements RuleClient {
  readonly own: ParameterVector | undefined;
  readonly control: ParameterVector;
  readonly #global: ParameterVector | undefined;

  constructor(
    protected readonly handler: ClientBackendHandler,
    { own, global, control }: RoundVectors,
  ) {
    this.own = own;
    this.control = control ?? new Float32Array(0);
    this.#global = global;
  }

  get manifest(): Manifest {
    return this.handler.manifest;
  }

  get global(): ParameterVector {
    if (this.#global === undefined) throw new Error("Cannot train: no parameters were loaded");
    return this.#global;
  }

  get parameters(): ParameterVector {
    return this.handler.parameters;
  }

  set parameters(parameters: ParameterVector) {
    this.handler.parameters = parameters;
  }
}

/** A client that trains in one round, for its rule. */
export class TrainingOfRound extends ClientOfRound implements RuleTraining {
  readonly learningRate: number;
  readonly proximal: number;
  readonly keep: (vector: ParameterVector) => void;
  readonly send: (vector: ParameterVector) => void;
  readonly #plan: TrainPlan;
  readonly #signal: AbortSignal | undefined;

  constructor(
    handler: ClientBackendHandler,
    vectors: RoundVectors,
    { plan, signal, keep, send }: Pick<RuleTraining, "keep" | "send"> & {
      readonly plan: TrainPlan;
      readonly signal?: AbortSignal;
    },
  ) {
    super(handler, vectors);
    this.learningRate = plan.learningRate;
    this.proximal = plan.proximal ?? 0;
    this.keep = keep;
    this.send = send;
    this.#plan = plan;
    this.#signal = signal;
  }

  train(changes?: RuleCorrection): Promise<TrainResult> {
    return this.handler.train({ ...this.#plan, ...changes }, this.#signal);
  }

  gradient(): Promise<GradientResult> {
    return this.handler.gradient(this.#plan, this.#signal);
  }

  evaluateTraining(): Promise<EvaluateResult> {
    return this.handler.evaluateTraining(this.#signal);
  }
}

/**
 * How a client learns: the contract between a topology and whatever trains the model.
 *
 * @module
 */

import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { EvaluateResult, GradientResult, TrainResult } from "../plan/results.ts";
import type { TrainPlan } from "../plan/train_plan.ts";

/** Evaluates a parameter vector on some data. */
export type Evaluator = (
  parameters: ParameterVector,
  signal?: AbortSignal,
) => Promise<EvaluateResult>;

/** Names of the losses a model description can ask for. */
export type LossName =
  | "softmaxCrossEntropy"
  | "categoricalCrossentropy"
  | "binaryCrossentropy"
  | "meanSquaredError";

/** A model as the server sends it, so that a client needs nothing but its data. */
export interface ModelDescription {
  /** How `topology` is written: a Keras-style layers-model configuration, as tfjs reads and writes it. */
  readonly format: "tfjs-layers";
  /** The model's configuration, `{ class_name, config }`. */
  readonly topology: Readonly<Record<string, unknown>>;
  /**
   * The loss that training lowers: `softmaxCrossEntropy` takes logits, `categoricalCrossentropy` and `binaryCrossentropy` take
   * probabilities.
   */
  readonly loss: LossName;
}

/**
 * What owns the model, the data and the optimizer on a client. A topology calls it and knows nothing of how it learns.
 *
 * Subclass it to train by other means than tfjs.
 *
 * @example A client that has a mean to share, and no network
 * ```ts
 * import { ClientBackendHandler, Manifest, type ParameterVector, type TrainResult } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * class Mean extends ClientBackendHandler {
 *   readonly manifest = Manifest.of([{ name: "mean", shape: [1] }]);
 *   readonly parameters = new Float32Array(1);
 *   constructor(readonly samples: readonly number[]) {
 *     super();
 *   }
 *   get numSamples(): number {
 *     return this.samples.length;
 *   }
 *   train(): Promise<TrainResult> {
 *     this.parameters[0] = this.samples.reduce((sum, x) => sum + x, 0) / this.numSamples;
 *     return Promise.resolve({ numSamples: this.numSamples, steps: 1, loss: 0, metrics: {} });
 *   }
 *   evaluate() {
 *     return Promise.resolve({ numSamples: this.numSamples, loss: 0 });
 *   }
 * }
 *
 * const handler = new Mean([1, 2, 6]);
 * await handler.train();
 * assertEquals([...handler.parameters], [3]);
 * ```
 */
export abstract class ClientBackendHandler {
  /**
   * Takes the model that the server describes, before anything else is called. A handler that brings its own model keeps
   * it and ignores the description; the manifests are compared afterwards in any case.
   */
  setUp(_model: ModelDescription | undefined): Promise<void> {
    return Promise.resolve();
  }

  /** What the parameter vector holds. */
  abstract get manifest(): Manifest;

  /** Number of training samples this client has. */
  abstract get numSamples(): number;

  /** The model's state: getting gives a view that the next training overwrites, setting copies the values in. */
  abstract parameters: ParameterVector;

  /** Trains the model in place by the plan. Rejects with the signal's reason when it is aborted. */
  abstract train(plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult>;

  /**
   * The gradient of the mean loss over all of the client's training data, at the present parameters, which stay as they are (FedSGD,
   * McMahan et al. 2017, section 2). Of the plan only what keys the randomness counts. A handler need not have it: by default it
   * rejects with an `Error`.
   */
  gradient(_plan: TrainPlan, _signal?: AbortSignal): Promise<GradientResult> {
    return Promise.reject(
      new Error("Cannot give a gradient: this handler trains, but has none to give"),
    );
  }

  /** Evaluates the model as it is. */
  abstract evaluate(signal?: AbortSignal): Promise<EvaluateResult>;

  /** Evaluates the model as it is on the data that it trains on. Unless a handler tells the two apart, as {@linkcode evaluate}. */
  evaluateTraining(signal?: AbortSignal): Promise<EvaluateResult> {
    return this.evaluate(signal);
  }

  /** Frees what the handler holds. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

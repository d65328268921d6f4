/**
 * Contract between a topology and the handler that trains the model of a client.
 *
 * @module
 */

import type { Schema } from "../data/schema/schema.ts";
import type { AnswerOptions } from "../data/statistics/answer.ts";
import type { StatisticsAnswer, StatisticsQuestion } from "../wire/messages.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { EvaluateResult, GradientResult, TrainResult } from "../plan/results.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import type { ClientPrivacy } from "./client_privacy.ts";

/** Function that evaluates a parameter vector on some data. */
export type Evaluator = (
  parameters: ParameterVector,
  signal?: AbortSignal,
) => Promise<EvaluateResult>;

/** Loss of a model description. */
export type LossName =
  | "softmaxCrossEntropy"
  | "categoricalCrossentropy"
  | "sigmoidCrossEntropy"
  | "binaryCrossentropy"
  | "meanSquaredError"
  | "meanAbsoluteError"
  | "huber";

/** Description of a model, which the server sends so that a client only needs its data. */
export interface ModelDescription {
  /**
   * Format of `topology`.
   *
   * - `tfjs-layers`: a Keras-style layers-model configuration, as tfjs reads and writes it.
   * - `text-encoder`: adapters and a head on a pretrained encoder, an `EncoderModel`.
   */
  readonly format: "tfjs-layers" | "text-encoder";
  /** Configuration of the model: `{ class_name, config }` for layers. */
  readonly topology: Readonly<Record<string, unknown>>;
  /**
   * Loss to minimize.
   *
   * - Classes of which one holds: `softmaxCrossEntropy` takes a logit for each class,
   *   `categoricalCrossentropy` a probability for each.
   * - Two classes, or labels that hold or not: `sigmoidCrossEntropy` takes a logit for class 1 or
   *   for each label, `binaryCrossentropy` a probability.
   * - Measures: `meanSquaredError`, `meanAbsoluteError`, and `huber` with delta 1.
   *
   * The loss of a row with several labels or measures is the mean over them.
   */
  readonly loss: LossName;
}

/**
 * Base class of handlers, which own the model, the data and the optimizer of a client. A topology
 * calls its handler and does not depend on the way it trains.
 *
 * Subclass it to train by other means than the built-in engines.
 *
 * @example A client that has a mean to share, and no network
 * ```ts
 * import { ClientBackendHandler, Manifest, type ParameterVector, type TrainResult } from
 * "@fedlab/core";
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
   * Builds the model that the server describes and arranges the data by the server's schema, before
   * anything else is called. A handler with its own model keeps it and ignores the description; the
   * manifests are compared afterwards in any case.
   *
   * A handler that overrides it and arranges its data by the schema also overrides
   * {@linkcode schema}. A handler that does not is refused where the schema names columns.
   *
   * @param model The server's description of the model; `undefined` if it has none.
   * @param schema The server's schema; `undefined` if it has none.
   */
  setUp(_model: ModelDescription | undefined, _schema?: Schema): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Schema by which the data are arranged, after `setUp`. It must be the server's, where that has
   * one. Default: none, as for data without names.
   */
  get schema(): Schema | undefined {
    return undefined;
  }

  /** Layout of the parameter vector. */
  abstract get manifest(): Manifest;

  /**
   * Privacy that the client gives its own data. The server is then told no figures of them: neither
   * the number of samples nor losses, metrics or statistics. Default: none.
   */
  get privacy(): ClientPrivacy | undefined {
    return undefined;
  }

  /** Number of training samples of the client. */
  abstract get numSamples(): number;

  /**
   * State of the model. Getting returns a view that the next training overwrites, setting copies
   * the values.
   *
   * @throws {RangeError} When set to a vector of another length, or with values that are not
   * finite.
   * The model then stays as it was.
   */
  abstract parameters: ParameterVector;

  /**
   * Trains the model in place by the plan. A long training yields to the event loop now and then,
   * so that the client's heartbeats are sent and the signal is seen.
   *
   * @param plan Settings of the round.
   * @param signal Ends the training; it then rejects with the signal's reason.
   */
  abstract train(plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult>;

  /**
   * Computes the gradient of the mean loss over all training data of the client at the current
   * parameters, which stay as they are (FedSGD, McMahan et al. 2017, section 2). Of the plan only
   * the keys of the randomness count.
   *
   * A handler need not implement it: by default it rejects with an `Error`.
   */
  gradient(_plan: TrainPlan, _signal?: AbortSignal): Promise<GradientResult> {
    return Promise.reject(
      new Error("Cannot give a gradient: this handler trains, but has none to give"),
    );
  }

  /** Evaluates the current model. */
  abstract evaluate(signal?: AbortSignal): Promise<EvaluateResult>;

  /** Evaluates the current model on the training data. By default it is {@linkcode evaluate}. */
  evaluateTraining(signal?: AbortSignal): Promise<EvaluateResult> {
    return this.evaluate(signal);
  }

  /**
   * Answers a question of the server about the handler's data, by figures such as counts and sums.
   * It is called before {@linkcode setUp}, in a run without a model. Default: no figures.
   *
   * @param _rules Limits on the figures.
   */
  describeData(
    _question: StatisticsQuestion,
    _rules: AnswerOptions,
  ): Promise<StatisticsAnswer> {
    return Promise.resolve({ kind: "columns", rows: 0, columns: [] });
  }

  /** Frees the resources of the handler. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

import type { Dataset } from "../data/dataset.ts";
import type { Schema } from "../data/schema/schema.ts";
import type { AnswerOptions } from "../data/statistics/answer.ts";
import type { StatisticsAnswer, StatisticsQuestion } from "../wire/messages.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { EvaluateResult, GradientResult, TrainResult } from "../plan/results.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import type { ClientPrivacy } from "./client_privacy.ts";
import { CurrentTrainer } from "./current_trainer.ts";
import { type EvaluateOptions, evaluateRows } from "./evaluation.ts";
import { checkClips } from "./private_training.ts";
import { ExclusiveTraining } from "./exclusive_training.ts";
import { meanGradient } from "./gradient.ts";
import { ClientBackendHandler, type LossName, type ModelDescription } from "./handler.ts";
import { HandlerData } from "./handler_data.ts";
import { checkLoss } from "./losses/losses.ts";
import type { SamplesOptions } from "./samples.ts";
import type { SGDHandlerOptions, TrainLogger } from "./sgd_options.ts";
import type { Trainer } from "./trainer.ts";

export type { EvaluateOptions, SGDHandlerOptions, TrainLogger };

/**
 * Base class of handlers that train by stochastic gradient descent, on the engine of the subclass.
 *
 * The order of the samples and the masks of dropout layers depend on seed, round and rank alone:
 * with the same parameters and plan, training gives the same bytes. Momentum starts afresh each
 * round unless the plan keeps it. Moving statistics of BatchNorm are part of the parameters.
 */
export abstract class SGDHandler extends ClientBackendHandler {
  readonly #data: HandlerData;
  readonly #loss: LossName | undefined;
  readonly #privacy: ClientPrivacy | undefined;
  readonly #training: ExclusiveTraining = new ExclusiveTraining();
  readonly #trainer: CurrentTrainer = new CurrentTrainer();

  /**
   * Keeps the options.
   *
   * @throws {RangeError} If the data has no rows, a feature is not finite, or the loss is unknown.
   * @throws {TypeError} If rows of a source are given.
   */
  constructor({ loss, privacy, ...samples }: SGDHandlerOptions) {
    super();
    this.#privacy = privacy;
    if (loss !== undefined) checkLoss(loss);
    this.#data = new HandlerData(samples);
    this.#loss = loss;
  }

  /**
   * Builds the model on the engine, for the handler's data and with the loss to minimize. Rejects
   * when there is no model, the engine does not run it, or the data does not fit it.
   *
   * @param description The server's description of the model.
   * @param loss The loss.
   * @param samples The data, arranged by the server's schema.
   */
  protected abstract createTrainer(
    description: ModelDescription | undefined,
    loss: LossName,
    samples: SamplesOptions,
  ): Promise<Trainer>;

  /**
   * Arranges the data by the server's schema, or checks that they are, and builds the model that
   * the server describes, in place of the one before.
   *
   * @throws {TypeError} If there is no model or its description cannot be read.
   * @throws {RangeError} If the data does not fit the model or the schema.
   * @throws {Error} If the handler is disposed of or set up anew meanwhile.
   */
  override async setUp(
    description: ModelDescription | undefined,
    schema?: Schema,
  ): Promise<void> {
    const loss = this.#loss ?? description?.loss ?? "softmaxCrossEntropy";
    checkLoss(loss);
    const accept = this.#trainer.replace();
    await this.#data.arrange(schema, async ({ options }) => {
      const trainer = await this.createTrainer(description, loss, options);
      if (this.#privacy?.records) checkClips(trainer);
      return ({ data, rows }) => accept(trainer, () => trainer.use(data, rows));
    });
  }

  /** Schema by which the data are arranged: the server's or, without one, that of the data. */
  override get schema(): Schema | undefined {
    return this.#data.schema;
  }

  /** Answers a question of the server about the training data. */
  override async describeData(
    question: StatisticsQuestion,
    rules: AnswerOptions,
  ): Promise<StatisticsAnswer> {
    return await this.#data.describe(question, rules);
  }

  /**
   * Replaces the training data; the model stays. So one handler can serve many clients in turn.
   *
   * If it throws, the handler keeps its data. Values that are written into the same `Dataset` later
   * are not checked again.
   *
   * @param data The data; its shape is that of the data before, and it has no more classes.
   * @param rows Rows of the data to train on. Default: all of them.
   * @param testRows Rows of the data to evaluate on. Default: the training rows.
   * @throws {RangeError} If there are no rows, a feature is not finite, or the data has another
   * shape or more classes.
   * @throws {Error} If the handler is training.
   */
  useData(data: Dataset, rows?: Uint32Array, testRows?: Uint32Array): void {
    const replace = this.#data.replacement(data, rows, testRows);
    if (this.#training.isRunning) throw new Error("Cannot use other data: the handler is training");
    this.#trainer.known?.use(data, rows);
    replace();
  }

  /** Layout of the parameter vector: every weight of the model, in its order. Needs `setUp()`. */
  override get manifest(): Manifest {
    return this.#trainer.ready.manifest;
  }

  /** Privacy that the client gives its own data, where the options have one. */
  override get privacy(): ClientPrivacy | undefined {
    return this.#privacy;
  }

  /** Number of training samples. Data of a source need `setUp()`. */
  override get numSamples(): number {
    return this.#data.samples.length;
  }

  /**
   * State of the model, a `Float32Array` of length `manifest.length`. Setting throws a `RangeError`
   * for a vector of another length or with a value that is not finite; the model then stays as it
   * was.
   */
  override get parameters(): ParameterVector {
    return this.#trainer.ready.parameters;
  }

  override set parameters(vector: ParameterVector) {
    this.#trainer.ready.parameters = vector;
  }

  /**
   * Trains the model in place by the plan.
   *
   * After an error the model is as far as training came, and after divergence momentum starts
   * afresh.
   *
   * @param plan Settings of the round.
   * @param signal Ends the training; it then rejects with the signal's reason.
   * @throws {RangeError} If a number of the plan is out of range.
   * @throws {CannotTrainError} If the loss of the parameters is not finite or training diverges.
   * @throws {Error} If another training is under way.
   */
  override async train(plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    return await this.#alone(plan, signal, (trainer, beforeEach) => {
      const given = { length: this.numSamples, records: this.#privacy?.records };
      return this.#training.train(trainer, plan, given, beforeEach);
    });
  }

  /**
   * Computes the gradient of the mean loss over all training samples: a step of plain SGD on it is
   * that of `train` with `batchSize` 0.
   *
   * Dropout and losses that layers add are included; the plan's weight decay and further terms are
   * not. It takes the memory of 256 samples, except for BatchNorm, whose layers look at the whole
   * batch; their moving statistics stay. The errors are those of {@linkcode SGDHandler.train}.
   */
  override async gradient(plan: TrainPlan, signal?: AbortSignal): Promise<GradientResult> {
    return await this.#alone(plan, signal, (trainer, beforeEach) => {
      return meanGradient(trainer, plan, this.numSamples, beforeEach);
    });
  }

  /**
   * Evaluates the model, in inference mode, on `testData`, else `testRows`, else the training data.
   */
  override async evaluate(signal?: AbortSignal): Promise<EvaluateResult> {
    const { test } = this.#data.samples;
    if (test === undefined) {
      return { ...await this.evaluateTraining(signal), onTrainingRows: true };
    }
    return await this.evaluateOn(test.data, test.rows ? { rows: test.rows } : {}, signal);
  }

  /** Evaluates the model, in inference mode, on the training data. */
  override evaluateTraining(signal?: AbortSignal): Promise<EvaluateResult> {
    const { data, rows } = this.#data.samples;
    return this.evaluateOn(data, rows ? { rows } : {}, signal);
  }

  /**
   * Evaluates the model, in inference mode, on given data. A row whose output is not finite counts
   * as wrong.
   *
   * @param data The data.
   * @param options Rows to evaluate on, by default all of the data, of these the places `from` to
   * before `to`; `confusion`, which adds the confusion matrix where the data has at most 1000
   * classes; and `metrics`, which leaves out the metrics with `"sums"`, and their sums too with
   * `false`.
   * @param signal Ends the evaluation; it then rejects with the signal's reason.
   * @throws {RangeError} If the data does not fit the model or does not have the rows, there are no
   * rows, or a feature is not finite.
   */
  async evaluateOn(
    data: Dataset,
    options: EvaluateOptions = {},
    signal?: AbortSignal,
  ): Promise<EvaluateResult> {
    const trainer = this.#trainer.ready;
    return await evaluateRows(trainer, data, options, () => this.#trainer.yield(trainer, signal));
  }

  /** Frees the model, unless it is the caller's own. */
  override [Symbol.asyncDispose](): Promise<void> {
    this.#trainer.free();
    return Promise.resolve();
  }

  /** Does work on the model that excludes any other training. */
  async #alone<T>(
    plan: TrainPlan,
    signal: AbortSignal | undefined,
    work: (trainer: Trainer, beforeEach: () => Promise<void> | undefined) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const trainer = this.#trainer.ready;
    const beforeEach = () => this.#trainer.yield(trainer, signal);
    return await this.#training.alone(trainer, plan, () => work(trainer, beforeEach));
  }
}

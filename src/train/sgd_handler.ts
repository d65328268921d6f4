import { yieldToEventLoop } from "../base/time/yield_to_event_loop.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Schema } from "../data/schema/schema.ts";
import type { AnswerOptions } from "../data/statistics/answer.ts";
import type { StatisticsAnswer, StatisticsQuestion } from "../wire/messages.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import { CannotTrainError } from "../plan/cannot_train.ts";
import type { EvaluateResult, GradientResult, TrainResult } from "../plan/results.ts";
import { checkPlan, type TrainPlan } from "../plan/train_plan.ts";
import {
  arrangeSamples,
  checkSchema,
  knownSamples,
  type SourceOptions,
} from "./arranged_samples.ts";
import type { DescribedData } from "./describe_data.ts";
import { type EvaluateOptions, evaluateRows } from "./evaluation.ts";
import { meanGradient } from "./gradient.ts";
import { ClientBackendHandler, type LossName, type ModelDescription } from "./handler.ts";
import { checkLoss } from "./losses/losses.ts";
import type { Samples, SamplesOptions } from "./samples.ts";
import type { SGDHandlerOptions, TrainLogger } from "./sgd_options.ts";
import type { Trainer } from "./trainer.ts";
import { trainEpochs } from "./training.ts";

export type { EvaluateOptions, SGDHandlerOptions, TrainLogger };

/**
 * Base class of handlers that train by stochastic gradient descent, on the engine of the subclass.
 *
 * The order of the samples and the masks of dropout layers depend on seed, round and rank alone:
 * with the same parameters and plan, training gives the same bytes. Momentum starts afresh each
 * round unless the plan keeps it. Moving statistics of BatchNorm are part of the parameters.
 */
export abstract class SGDHandler extends ClientBackendHandler {
  /** The samples as they are given, to be arranged by `setUp()`. */
  #source: SourceOptions;
  /** The samples; `undefined` before `setUp()` where they come from a source. */
  #samples: Samples | undefined;
  #schema: Schema | undefined;
  /** The data as they are described to a server; `undefined` where it has not asked. */
  #described: DescribedData | undefined;
  readonly #loss: LossName | undefined;
  #trainer: Trainer | undefined;
  /** Number of set-ups and disposals so far. */
  #turn = 0;
  #training = false;
  /** True if the state of the optimizer may not be finite. */
  #diverged = false;

  /**
   * Keeps the options.
   *
   * @throws {RangeError} If the data has no rows, a feature is not finite, or the loss is unknown.
   * @throws {TypeError} If rows of a source are given.
   */
  constructor({ loss, ...samples }: SGDHandlerOptions) {
    super();
    if (loss !== undefined) checkLoss(loss);
    this.#source = samples;
    this.#samples = knownSamples(samples);
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
    this.#dispose();
    this.#described = undefined;
    const turn = this.#turn;
    const source = this.#source;
    const arranged = await arrangeSamples(source, schema);
    const trainer = await this.createTrainer(description, loss, arranged.options);
    // The data may have been replaced meanwhile.
    const samples = source === this.#source ? arranged : this.#arranged();
    try {
      if (turn !== this.#turn) throw takenAway();
      trainer.use(samples.data, samples.rows);
    } catch (error) {
      trainer[Symbol.dispose]();
      throw error;
    }
    this.#trainer = trainer;
    this.#samples = samples;
    this.#schema = schema ?? samples.data.schema;
  }

  /** Schema by which the data are arranged: the server's or, without one, that of the data. */
  override get schema(): Schema | undefined {
    return this.#schema;
  }

  /** Answers a question of the server about the training data. */
  override async describeData(
    question: StatisticsQuestion,
    rules: AnswerOptions,
  ): Promise<StatisticsAnswer> {
    if (this.#described === undefined) {
      const { DescribedData } = await import("./describe_data.ts");
      this.#described ??= new DescribedData(this.#source);
    }
    return await this.#described.answer(question, rules);
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
    if (data.schema && this.#schema && data !== this.#samples?.data) {
      checkSchema(data, this.#schema);
    }
    const samples = this.#arranged().replace(data, rows, testRows);
    if (this.#training) throw new Error("Cannot use other data: the handler is training");
    this.#trainer?.use(data, rows);
    this.#samples = samples;
    this.#source = samples.options;
  }

  /** Layout of the parameter vector: every weight of the model, in its order. Needs `setUp()`. */
  override get manifest(): Manifest {
    return this.#ready().manifest;
  }

  /** Number of training samples. Data of a source need `setUp()`. */
  override get numSamples(): number {
    return this.#arranged().length;
  }

  /**
   * State of the model, a `Float32Array` of length `manifest.length`. Setting throws a `RangeError`
   * for a vector of another length or with a value that is not finite; the model then stays as it
   * was.
   */
  override get parameters(): ParameterVector {
    return this.#ready().parameters;
  }

  override set parameters(vector: ParameterVector) {
    this.#ready().parameters = vector;
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
    return await this.#alone(plan, (trainer) => this.#train(trainer, plan, signal), signal);
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
    return await this.#alone(plan, (trainer) => {
      return meanGradient(trainer, plan, this.numSamples, () => this.#yield(trainer, signal));
    }, signal);
  }

  /** Checks the plan and does work that excludes any other training. */
  async #alone<T>(
    plan: TrainPlan,
    work: (trainer: Trainer) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    signal?.throwIfAborted();
    const trainer = this.#ready();
    const { length, tensors } = trainer.manifest;
    checkPlan(plan, length);
    if (this.#training) throw new Error("Cannot train: the handler is training already");
    if (!tensors.some(({ trainable }) => trainable)) {
      throw new Error("Cannot train the model: none of its weights is trainable");
    }
    this.#training = true;
    try {
      return await work(trainer);
    } finally {
      this.#training = false;
    }
  }

  async #train(trainer: Trainer, plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    const length = this.numSamples;
    const batchSize = plan.batchSize === 0 ? length : Math.min(plan.batchSize, length);
    trainer.begin(this.#diverged ? { ...plan, keepMomentum: false } : plan, batchSize);
    this.#diverged = false;
    try {
      const beforeEach = () => this.#yield(trainer, signal);
      return await trainEpochs(trainer, plan, { length, batchSize }, beforeEach);
    } catch (error) {
      this.#diverged = error instanceof CannotTrainError;
      throw error;
    }
  }

  /**
   * Evaluates the model, in inference mode, on `testData`, else `testRows`, else the training data.
   */
  override async evaluate(signal?: AbortSignal): Promise<EvaluateResult> {
    const { test } = this.#arranged();
    if (test === undefined) {
      return { ...await this.evaluateTraining(signal), onTrainingRows: true };
    }
    return await this.evaluateOn(test.data, test.rows ? { rows: test.rows } : {}, signal);
  }

  /** Evaluates the model, in inference mode, on the training data. */
  override evaluateTraining(signal?: AbortSignal): Promise<EvaluateResult> {
    const { data, rows } = this.#arranged();
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
    const trainer = this.#ready();
    return await evaluateRows(trainer, data, options, () => this.#yield(trainer, signal));
  }

  /** Frees the model, unless it is the caller's own. */
  override [Symbol.asyncDispose](): Promise<void> {
    this.#dispose();
    return Promise.resolve();
  }

  #arranged(): Samples {
    if (!this.#samples) {
      throw new Error("Cannot use the handler: setUp() has not arranged its data");
    }
    return this.#samples;
  }

  #ready(): Trainer {
    if (!this.#trainer) throw new Error("Cannot use the handler: setUp() has not built its model");
    return this.#trainer;
  }

  /**
   * Gives the event loop a turn when it is due. Throws if the training was aborted meanwhile, or the
   * model freed.
   *
   * @returns A promise of the turn; `undefined` if none is due.
   */
  #yield(trainer: Trainer, signal: AbortSignal | undefined): Promise<void> | undefined {
    const check = () => {
      signal?.throwIfAborted();
      if (this.#trainer !== trainer) throw takenAway();
    };
    const turn = yieldToEventLoop();
    if (turn) return turn.then(check);
    check();
  }

  #dispose(): void {
    const trainer = this.#trainer;
    this.#trainer = undefined;
    this.#turn++;
    trainer?.[Symbol.dispose]();
  }
}

function takenAway(): Error {
  return new Error("Cannot go on: the handler was disposed of or set up anew meanwhile");
}

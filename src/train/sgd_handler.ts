import { Random } from "../base/random.ts";
import { yieldToEventLoop } from "../base/time/yield_to_event_loop.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import { CannotTrainError } from "../plan/cannot_train.ts";
import type { EvaluateResult, GradientResult, TrainResult } from "../plan/results.ts";
import { checkPlan, type TrainPlan } from "../plan/train_plan.ts";
import { checkRows } from "./check_rows.ts";
import { evaluateRows } from "./evaluation.ts";
import { meanGradient } from "./gradient.ts";
import { ClientBackendHandler, type LossName, type ModelDescription } from "./handler.ts";
import { checkLoss } from "./losses.ts";
import type { Trainer } from "./trainer.ts";

/** The part of a logger that a handler writes to; a `Logger` of `@std/log` is one, and so is `console`. */
export interface TrainLogger {
  /** Takes one line about what was chosen. */
  info?(message: string): unknown;
  /** Takes one line about what may be wrong. */
  warn(message: string): unknown;
}

/** Options of every {@linkcode SGDHandler}. */
export interface SGDHandlerOptions {
  /** The client's training data; at least one row. */
  data: Dataset;
  /** Which rows of the data are the client's; at least one. Default: all of them. */
  rows?: Uint32Array;
  /** Data to evaluate on. Default: `testRows` of the data, or else what it trains on. */
  testData?: Dataset;
  /** Which rows of the data to evaluate on, where there are no `testData`; at least one. */
  testRows?: Uint32Array;
  /** The loss to lower. Default: the description's, or softmaxCrossEntropy when there is none. */
  loss?: LossName;
}

/**
 * Stochastic gradient descent on a client, on whatever engine the subclass has.
 *
 * The order of the samples depends on seed, round and rank alone, and so do the masks of dropout layers: with the same
 * parameters and plan, training gives the same bytes. Momentum starts afresh each round unless the plan keeps it. Moving
 * statistics of BatchNorm are part of the parameters.
 */
export abstract class SGDHandler extends ClientBackendHandler {
  #data: Dataset;
  #rows: Uint32Array | undefined;
  readonly #testData: Dataset | undefined;
  #testRows: Uint32Array | undefined;
  readonly #loss: LossName | undefined;
  #trainer: Trainer | undefined;
  /** Which set-up or disposal was the last to begin. */
  #turn = 0;
  #training = false;
  /** Whether what the optimizer keeps may not be finite. */
  #diverged = false;

  /** Keeps the options. Throws a `RangeError` for data without rows or with features that are not finite, or an unknown loss. */
  constructor({ data, rows, testData, testRows, loss }: SGDHandlerOptions) {
    super();
    if ([rows ?? data, testData, testRows].some((samples) => samples?.length === 0)) {
      throw new RangeError("Cannot make a handler: expected data of at least one row, got 0 rows");
    }
    if (loss !== undefined) checkLoss(loss);
    checkRows(data, rows);
    if (testRows) checkRows(data, testRows);
    if (testData) checkRows(testData);
    this.#data = data;
    this.#rows = rows;
    this.#testData = testData;
    this.#testRows = testRows;
    this.#loss = loss;
  }

  /**
   * Builds the model on the engine, with the handler's data and this loss. Rejects when there is no model, the engine does not
   * run it, or the data does not fit it.
   */
  protected abstract createTrainer(
    description: ModelDescription | undefined,
    loss: LossName,
  ): Promise<Trainer>;

  /**
   * Builds the model that the server describes, in place of the one before.
   *
   * Rejects with a `TypeError` when there is no model at all or its description cannot be read, a `RangeError` for data that
   * does not fit the model, and an `Error` when the handler is disposed of or set up anew meanwhile.
   */
  override async setUp(description: ModelDescription | undefined): Promise<void> {
    const loss = this.#loss ?? description?.loss ?? "softmaxCrossEntropy";
    checkLoss(loss);
    this.#dispose();
    const turn = this.#turn;
    const trainer = await this.createTrainer(description, loss);
    try {
      if (turn !== this.#turn) throw takenAway();
      trainer.use(this.#data, this.#rows);
    } catch (error) {
      trainer[Symbol.dispose]();
      throw error;
    }
    this.#trainer = trainer;
  }

  /**
   * Takes other training data, all of it or the rows that are listed, in place of what there was, and rows of it to evaluate on; the model
   * stays. So one handler serves many clients in turn.
   *
   * Throws a `RangeError` for no rows at all, for features that are not finite, and for data of another shape or with more classes than
   * before; an `Error` during a training. The handler then keeps the data that it has. What is written into the same `Dataset` later
   * is not checked again.
   */
  useData(data: Dataset, rows?: Uint32Array, testRows?: Uint32Array): void {
    const { shape, numClasses } = this.#data;
    if ((rows ?? data).length === 0 || testRows?.length === 0) {
      throw new RangeError("Cannot use the data: expected at least one row, got 0 rows");
    }
    if (data.shape.join() !== shape.join() || data.numClasses > numClasses) {
      throw new RangeError(
        `Cannot use the data: expected rows of shape [${shape}] and ${numClasses} classes, ` +
          `got [${data.shape}] and ${data.numClasses}`,
      );
    }
    checkRows(data, rows);
    if (testRows) checkRows(data, testRows);
    if (this.#training) throw new Error("Cannot use other data: the handler is training");
    this.#trainer?.use(data, rows);
    this.#data = data;
    this.#rows = rows;
    this.#testRows = testRows;
  }

  /** What the parameter vector holds: every weight of the model, in its order. Throws an `Error` before {@linkcode setUp}. */
  override get manifest(): Manifest {
    return this.#ready().manifest;
  }

  /** Number of training samples. */
  override get numSamples(): number {
    return (this.#rows ?? this.#data).length;
  }

  /**
   * The model's state, a `Float32Array` of length `manifest.length`. Setting throws a `RangeError` for a vector of another
   * length or one that has a value that is not finite; the model then stays as it was.
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
   * Rejects with the signal's reason when it is aborted, with a `RangeError` for a plan whose numbers are out of range, and
   * with a {@linkcode CannotTrainError} when the loss of the parameters is not finite or training
   * diverges, and with an `Error` when another training is under way; the model is then as far as
   * training came. After a training that diverged momentum starts afresh.
   */
  override async train(plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    return await this.#alone(plan, (trainer) => this.#train(trainer, plan, signal), signal);
  }

  /**
   * The gradient of the mean loss over all training samples: a step of plain SGD on it is that of `train` with `batchSize` 0. What a
   * layer draws or adds to the loss is in it, the plan's weight decay and further terms are not.
   *
   * It takes the memory of 256 samples, save for BatchNorm, whose layers look at the whole batch; their moving statistics stay.
   * Rejects as {@linkcode SGDHandler.train} does.
   */
  override async gradient(plan: TrainPlan, signal?: AbortSignal): Promise<GradientResult> {
    return await this.#alone(
      plan,
      (trainer) => meanGradient(trainer, plan, this.numSamples, () => this.#rest(trainer, signal)),
      signal,
    );
  }

  /** Does work that nothing else may disturb, with a plan that was checked. */
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
    const { manifest, classifies } = trainer;
    const length = this.numSamples;
    const { epochs, seed, round, rank } = plan;
    const batchSize = plan.batchSize === 0 ? length : Math.min(plan.batchSize, length);
    const shuffling = new Random(seed, "batch-order", { round, rank });
    trainer.begin(this.#diverged ? { ...plan, keepMomentum: false } : plan, batchSize);
    this.#diverged = false;

    let steps = 0, loss = 0, correct = 0;
    for (let epoch = 1; epoch <= epochs; epoch++) {
      loss = correct = 0;
      let stepOfEpoch = 0;
      trainer.shuffle(shuffling.permutation(length));
      for (let start = 0; start < length; start += batchSize) {
        await this.#rest(trainer, signal);
        const result = trainer.step(start, Math.min(start + batchSize, length));
        stepOfEpoch++;
        if (!Number.isFinite(result.loss)) {
          this.#diverged = true;
          throw new CannotTrainError(
            epoch === 1 && stepOfEpoch === 1
              ? `Cannot train on these parameters: their loss is ${result.loss} before the first step`
              : `Training diverged: loss is ${result.loss} in epoch ${epoch}, step ${stepOfEpoch}; ` +
                "lower the learning rate",
          );
        }
        loss += result.loss;
        correct += result.correct;
      }
      steps += stepOfEpoch;
    }
    const nonFinite = trainer.countNonFinite();
    if (nonFinite > 0) {
      this.#diverged = true;
      throw new CannotTrainError(
        `Training diverged: ${nonFinite} of ${manifest.length} parameters are not finite ` +
          `after epoch ${epochs}; lower the learning rate`,
      );
    }
    return {
      numSamples: length,
      steps,
      loss: loss / length,
      metrics: classifies ? { accuracy: correct / length } : {},
    };
  }

  /** Evaluates the model, in inference mode, on `testData`, or on the `testRows`, or else on the training data. */
  override evaluate(signal?: AbortSignal): Promise<EvaluateResult> {
    if (this.#testData) return this.evaluateOn(this.#testData, {}, signal);
    const rows = this.#testRows;
    return rows ? this.evaluateOn(this.#data, { rows }, signal) : this.evaluateTraining(signal);
  }

  /** Evaluates the model, in inference mode, on the training data. */
  override evaluateTraining(signal?: AbortSignal): Promise<EvaluateResult> {
    return this.evaluateOn(this.#data, this.#rows ? { rows: this.#rows } : {}, signal);
  }

  /**
   * Evaluates the model, in inference mode, on rows `from` to before `to` of the data, or of the rows of it that are listed. With
   * `confusion` the result says what a classifier took each class for, where the data have at most 1000; a row whose output is not finite is a wrong
   * answer. Rejects with a `RangeError` for data that do not fit the model, rows that they do not have, no rows at all, and features that
   * are not finite.
   */
  async evaluateOn(
    data: Dataset,
    options: { rows?: Uint32Array; from?: number; to?: number; confusion?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<EvaluateResult> {
    const trainer = this.#ready();
    return await evaluateRows(trainer, data, options, () => this.#rest(trainer, signal));
  }

  /** Frees the model, unless it is the caller's own. */
  override [Symbol.asyncDispose](): Promise<void> {
    this.#dispose();
    return Promise.resolve();
  }

  #ready(): Trainer {
    if (!this.#trainer) throw new Error("Cannot use the handler: setUp() has not built its model");
    return this.#trainer;
  }

  /** Leaves room for others. Throws where it was aborted meanwhile, or the model freed. */
  async #rest(trainer: Trainer, signal: AbortSignal | undefined): Promise<void> {
    await yieldToEventLoop();
    signal?.throwIfAborted();
    if (this.#trainer !== trainer) throw takenAway();
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

import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import { Random } from "../../random.ts";
import {
  ClientBackendHandler,
  type EvaluateResult,
  type ModelDescription,
  type TrainPlan,
  type TrainResult,
} from "../handler.ts";
import { startBackend } from "./backend.ts";
import { tf } from "./deps.ts";
import type { ClientSGDHandlerOptions } from "./options.ts";
import { gatherBatches, sliceBatches } from "./_batches.ts";
import { Learner } from "./_learner.ts";
import { checkLoss } from "./_losses.ts";
import { buildModel, checkFit, noiseLayers, type SeededLayer } from "./_network.ts";
import { pacer } from "./_pace.ts";
import { checkPlan, Sgd } from "./_sgd.ts";
import { Weights } from "./_weights.ts";

/** Samples that are evaluated at once: past it a dense model gains nothing, and a convolution's memory only grows. */
const EVALUATION_BATCH = 1024;

interface State {
  readonly model: tf.LayersModel;
  readonly weights: Weights;
  readonly learner: Learner;
  readonly sgd: Sgd;
  readonly noise: readonly SeededLayer[];
}

/**
 * Trains a tfjs layers model by stochastic gradient descent.
 *
 * The order of the samples depends on seed, round and rank alone, and so do the masks of dropout layers: with the same
 * parameters and plan, training gives the same bytes. Momentum starts afresh each round unless the plan keeps it. Moving
 * statistics of BatchNorm are part of the parameters.
 *
 * @example Two epochs on the digits
 * ```ts
 * import { digits, mlp } from "@fedlab/core";
 * import { ClientSGDHandler } from "@fedlab/core/tfjs";
 *
 * await using handler = new ClientSGDHandler({ data: await digits() });
 * await handler.setUp(mlp({ inputShape: [8, 8, 1], numClasses: 10 }));
 * await handler.train({
 *   round: 1,
 *   epochs: 2,
 *   batchSize: 10,
 *   learningRate: 0.1,
 *   momentum: 0,
 *   weightDecay: 0,
 *   keepMomentum: false,
 *   seed: 1,
 *   rank: 1,
 * });
 * ```
 */
export class ClientSGDHandler extends ClientBackendHandler {
  readonly #options: ClientSGDHandlerOptions;
  readonly #ownModel: tf.LayersModel | undefined;
  #state: State | undefined;
  #training = false;

  /**
   * Keeps the options; nothing starts before {@linkcode setUp}.
   *
   * Throws a `RangeError` for data without rows or an unknown loss, and a `TypeError` for a model of another kind.
   */
  constructor(options: ClientSGDHandlerOptions) {
    super();
    const { data, testData, model, loss } = options;
    if (data.length === 0 || testData?.length === 0) {
      throw new RangeError("Cannot make a handler: expected data of at least one row, got 0 rows");
    }
    if (model !== undefined && !(model instanceof tf.LayersModel)) {
      throw new TypeError(
        `Cannot make a handler: expected a layers model of tfjs ${tf.version.tfjs}, got another object`,
      );
    }
    if (loss !== undefined) checkLoss(loss);
    this.#options = options;
    this.#ownModel = model;
  }

  /**
   * Starts tfjs and builds the model that the server describes, unless the handler has its own.
   *
   * Rejects with a `TypeError` when there is no model at all or tfjs cannot read the description, a `RangeError` for data that
   * does not fit the model, and an `Error` when the backend does not start.
   */
  override async setUp(description: ModelDescription | undefined): Promise<void> {
    const { data, testData, backend, logger } = this.#options;
    const ownModel = this.#ownModel;
    const loss = this.#options.loss ?? description?.loss ?? "softmaxCrossEntropy";
    checkLoss(loss);
    await startBackend(backend, logger);
    this.#dispose();
    const model = ownModel ?? await buildModel(description);
    try {
      const shape = checkFit(model, data, loss);
      if (testData) checkFit(model, testData, loss);
      const { seeded, unseeded } = noiseLayers(model);
      if (unseeded.length > 0) {
        logger?.warn(
          `Training is not reproducible: tfjs draws the noise of ${
            unseeded.join(", ")
          } without a seed`,
        );
      }
      const weights = Weights.of(model);
      this.#state = {
        model,
        weights,
        learner: new Learner(model, loss, shape),
        sgd: new Sgd(weights.trainable),
        noise: seeded,
      };
    } catch (error) {
      if (model !== ownModel) model.dispose();
      throw error;
    }
  }

  /** What the parameter vector holds: every weight of the model, in its order. Throws an `Error` before {@linkcode setUp}. */
  override get manifest(): Manifest {
    return this.#ready().weights.manifest;
  }

  /** Number of training samples. */
  override get numSamples(): number {
    return this.#options.data.length;
  }

  /**
   * The model's state, a `Float32Array` of length `manifest.length`. Setting throws a `RangeError` for a vector of another
   * length or one that has a value that is not finite; the model then stays as it was.
   */
  override get parameters(): ParameterVector {
    return this.#ready().weights.gather().vector;
  }

  override set parameters(vector: ParameterVector) {
    this.#ready().weights.scatter(vector);
  }

  /**
   * Trains the model in place by the plan.
   *
   * Rejects with the signal's reason when it is aborted, with a `RangeError` for a plan whose numbers are out of range, and
   * with an `Error` when training diverges or another training is under way; the model is then as far as training came.
   */
  override async train(plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    signal?.throwIfAborted();
    checkPlan(plan);
    const state = this.#ready();
    if (this.#training) throw new Error("Cannot train: the handler is training already");
    this.#training = true;
    try {
      return await this.#train(state, plan, signal);
    } finally {
      this.#training = false;
    }
  }

  async #train(state: State, plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    const { weights, learner, sgd, noise } = state;
    const { data } = this.#options;
    if (weights.trainable.length === 0) {
      throw new Error("Cannot train the model: none of its weights is trainable");
    }
    const { epochs, seed, round, rank } = plan;
    const batchSize = plan.batchSize === 0 ? data.length : Math.min(plan.batchSize, data.length);
    const shuffling = new Random(seed, "batch-order", { round, rank });
    const masks = new Random(seed, "dropout", { round, rank });
    const rest = pacer();
    if (!plan.keepMomentum) sgd.reset();

    let steps = 0, loss = 0, correct = 0;
    for (let epoch = 1; epoch <= epochs; epoch++) {
      loss = correct = 0;
      let stepOfEpoch = 0;
      for (const batch of gatherBatches(data, shuffling.permutation(data.length), batchSize)) {
        await rest();
        signal?.throwIfAborted();
        // tfjs draws one and the same mask for one seed, and an unseeded one for seed 0.
        for (const layer of noise) layer.seed = masks.uint32() || 1;
        const tensors = weights.trainable.map((weight) => weight.read());
        const result = learner.step(batch, sgd, tensors, plan);
        stepOfEpoch++;
        if (!Number.isFinite(result.loss)) {
          throw new Error(
            `Training diverged: loss is ${result.loss} in epoch ${epoch}, step ${stepOfEpoch}; ` +
              "lower the learning rate",
          );
        }
        loss += result.loss;
        correct += result.correct;
      }
      steps += stepOfEpoch;
    }
    const { nonFinite } = weights.gather();
    if (nonFinite > 0) {
      throw new Error(
        `Training diverged: ${nonFinite} of ${weights.manifest.length} parameters are not finite ` +
          `after epoch ${epochs}; lower the learning rate`,
      );
    }
    return {
      numSamples: data.length,
      steps,
      loss: loss / data.length,
      metrics: learner.classifies ? { accuracy: correct / data.length } : {},
    };
  }

  /** Evaluates the model, in inference mode, on `testData` or else on the training data. */
  override async evaluate(signal?: AbortSignal): Promise<EvaluateResult> {
    const { learner } = this.#ready();
    const data = this.#options.testData ?? this.#options.data;
    const rest = pacer();
    let loss = 0, correct = 0;
    for (const batch of sliceBatches(data, EVALUATION_BATCH)) {
      await rest();
      signal?.throwIfAborted();
      const result = learner.judge(batch);
      loss += result.loss;
      correct += result.correct;
    }
    const result = { numSamples: data.length, loss: loss / data.length };
    return learner.classifies ? { ...result, accuracy: correct / data.length } : result;
  }

  /** Frees the model, unless it is the caller's own. */
  override [Symbol.asyncDispose](): Promise<void> {
    this.#dispose();
    return Promise.resolve();
  }

  #ready(): State {
    if (!this.#state) throw new Error("Cannot use the handler: setUp() has not built its model");
    return this.#state;
  }

  #dispose(): void {
    const model = this.#state?.model;
    this.#state = undefined;
    if (model && model !== this.#ownModel) model.dispose();
  }
}

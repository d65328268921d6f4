import type { BackendChoice } from "../train/engine_choice.ts";
import type { Dataset } from "../data/dataset.ts";
import { fold } from "../params/kernels.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import { Random } from "../base/random.ts";
import { checkBatchValues } from "../train/models/model_limits.ts";
import { checkFit } from "../train/fit.ts";
import { copyFeatures, copyTargets } from "../train/rows.ts";
import { StepTargets } from "../train/step_targets.ts";
import type { BatchLoss, JudgeOptions, Trainer } from "../train/trainer.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import type { LossName, ModelDescription } from "../train/handler.ts";
import type { TrainLogger } from "../train/sgd_handler.ts";
import { startBackend } from "./backend.ts";
import { tf } from "./deps.ts";
import { type Batch, Learner } from "./learner.ts";
import { valuesOf } from "./memory.ts";
import {
  buildModel,
  checkInputWords,
  checkTraining,
  holdFrozenNorms,
  noiseLayers,
  sampleShapes,
  sampleValues,
  type SeededLayer,
} from "./network.ts";
import { Optimizer } from "./optimizer.ts";
import { Weights } from "./weights.ts";
import type { TfjsLayersModel } from "./layers_model.ts";

/** Number of rows whose gradient is computed at once. */
const GRADIENT_ROWS = 256;

/** Options of {@linkcode TfjsTrainer.create}. */
export interface TfjsTrainerOptions {
  readonly data: Dataset;
  readonly testData: Dataset;
  readonly loss: LossName;
  /** Model of the caller, which outlives the trainer. */
  readonly model: TfjsLayersModel | undefined;
  readonly backend: BackendChoice | undefined;
  readonly logger: TrainLogger | undefined;
}

/** Trainer of a layers model on a backend of tfjs. */
export class TfjsTrainer implements Trainer {
  readonly manifest: Manifest;
  readonly loss: LossName;
  readonly units: number;
  readonly #options: TfjsTrainerOptions;
  readonly #model: tf.LayersModel;
  readonly #weights: Weights;
  readonly #learner: Learner;
  readonly #optimizer: Optimizer;
  readonly #noise: readonly SeededLayer[];
  #masks: Random | undefined;
  #gradient = new Float32Array();
  #order: Uint32Array = new Uint32Array();
  #data: Dataset;
  #rows: Uint32Array | undefined;
  /** Data that was checked to fit the model. */
  readonly #checked = new WeakSet<Dataset>();
  /** Shapes of an input and of an output sample. */
  readonly #shapes: readonly [number[], readonly (number | null)[]];
  readonly #sampleValues: { readonly total: number; readonly largest: number };
  #targets: StepTargets;
  #features = new Float32Array();

  private constructor(model: tf.LayersModel, options: TfjsTrainerOptions) {
    const { data, testData, loss, logger } = options;
    const { input, output } = sampleShapes(model);
    const shape = checkFit(input, output, data, loss);
    if (testData !== data) checkFit(input, output, testData, loss);
    for (const dataset of new Set([data, testData])) checkInputWords(model, dataset);
    checkTraining(model);
    holdFrozenNorms(model);
    this.#shapes = [shape, output];
    this.#sampleValues = sampleValues(model);
    const { seeded, unseeded } = noiseLayers(model);
    if (unseeded.length > 0) {
      logger?.warn(
        `Training is not reproducible: tfjs draws the noise of ${
          unseeded.join(", ")
        } without a seed`,
      );
    }
    this.#options = options;
    this.#data = data;
    this.#targets = new StepTargets(data);
    this.#model = model;
    this.#weights = Weights.of(model);
    this.#learner = new Learner(model, loss, shape);
    this.#optimizer = new Optimizer(this.#weights.trainable);
    this.#noise = seeded;
    this.manifest = this.#weights.manifest;
    this.loss = loss;
    this.units = this.#learner.units;
  }

  /**
   * Starts tfjs and builds the model, unless the caller has one.
   *
   * @throws {TypeError} If there is no model or it is of another kind.
   * @throws {RangeError} If the data does not fit the model.
   * @throws {Error} If the backend does not start, or the model has a layer that tfjs cannot train.
   */
  static async create(
    description: ModelDescription | undefined,
    options: TfjsTrainerOptions,
  ): Promise<TfjsTrainer> {
    const { model: own, backend, logger } = options;
    if (own !== undefined && !(own instanceof tf.LayersModel)) {
      throw new TypeError(
        `Cannot use the model: expected a layers model of tfjs ${tf.version.tfjs}, got another object`,
      );
    }
    await startBackend(backend, logger);
    const model = own ?? await buildModel(description);
    try {
      return new TfjsTrainer(model, options);
    } catch (error) {
      if (model !== own) model.dispose();
      throw error;
    }
  }

  get parameters(): ParameterVector {
    return this.#weights.gather().vector;
  }

  set parameters(vector: ParameterVector) {
    this.#weights.scatter(vector);
  }

  use(data: Dataset, rows?: Uint32Array): void {
    this.#data = data;
    this.#rows = rows;
    this.#targets = new StepTargets(data, rows);
  }

  countNonFinite(): number {
    return this.#weights.gather().nonFinite;
  }

  get gradientRows(): number {
    return this.#weights.hasStatistics ? Infinity : GRADIENT_ROWS;
  }

  get gradient(): ParameterVector {
    return this.#gradient;
  }

  begin(plan: TrainPlan, batchSize: number): void {
    const { seed, round, rank, proximal = 0, correction } = plan;
    this.#targets.begin(plan, this);
    this.#masks = new Random(seed, "dropout", { round, rank });
    this.#optimizer.begin(plan, {
      ...proximal > 0 && { start: this.#weights.trainableViews(this.parameters.slice()) },
      ...correction && { correction: this.#weights.trainableViews(correction.slice()) },
    });
    this.#grow(batchSize);
  }

  shuffle(order: Uint32Array): void {
    this.#order = order;
  }

  step(start: number, end: number): BatchLoss {
    return this.#learn(start, end, (gradients) => this.#optimizer.step(gradients));
  }

  differentiate(start: number, end: number): BatchLoss {
    if (this.#gradient.length === 0) this.#gradient = new Float32Array(this.manifest.length);
    if (start === 0) this.#gradient.fill(0);
    const share = (end - start) / (this.#rows ?? this.#data).length;
    const views = this.#weights.trainableViews(this.#gradient);
    return this.#learn(start, end, (gradients) =>
      gradients.forEach((gradient, i) => {
        const sum = views[i];
        if (gradient && sum) fold(sum, valuesOf(gradient), share);
      }));
  }

  #learn(
    start: number,
    end: number,
    use: (gradients: readonly (tf.Tensor | undefined)[]) => void,
  ): BatchLoss {
    if (!this.#masks) throw new Error("Cannot take a step: no round has begun");
    // All outputs are kept for the backward pass.
    checkBatchValues(end - start, this.#sampleValues.total);
    // tfjs draws the same mask each time for one seed, and an unseeded one for seed 0.
    for (const layer of this.#noise) layer.seed = this.#masks.uint32() || 1;
    const tensors = this.#weights.trainable.map((weight) => weight.read());
    return this.#learner.learn(this.#batch(start, end), tensors, use);
  }

  judge(
    data: Dataset,
    start: number,
    end: number,
    { rows, observe }: JudgeOptions = {},
  ): BatchLoss {
    if (!this.#checked.has(data)) {
      checkFit(...this.#shapes, data, this.#options.loss);
      checkInputWords(this.#model, data);
      this.#checked.add(data);
    }
    checkBatchValues(end - start, this.#sampleValues.largest);
    const { rowLength, outputs } = data;
    if (!rows) {
      const features = data.features.subarray(start * rowLength, end * rowLength);
      const targets = data.targets.subarray(start * outputs, end * outputs);
      return this.#learner.judge({ rows: end - start, features, targets }, observe);
    }
    const listed = rows.subarray(start, end);
    const room = listed.length * outputs;
    const targets = data.task === "classification" ? new Int32Array(room) : new Float32Array(room);
    copyTargets(data, listed, targets);
    const features = this.#gather(data, listed);
    return this.#learner.judge({ rows: listed.length, features, targets }, observe);
  }

  [Symbol.dispose](): void {
    if (this.#model !== this.#options.model) this.#model.dispose();
  }

  #batch(start: number, end: number): Batch {
    const places = this.#order.subarray(start, end), rows = this.#rows;
    const listed = rows ? places.map((place) => rows[place] ?? 0) : places;
    return {
      rows: places.length,
      features: this.#gather(this.#data, listed),
      ...this.#targets.gather(this.#order, start, end),
    };
  }

  /** Copies the features of the listed rows to a buffer that the next batch overwrites. */
  #gather(data: Dataset, rows: Uint32Array): Float32Array {
    this.#grow(rows.length);
    copyFeatures(data, rows, this.#features);
    return this.#features.subarray(0, rows.length * data.rowLength);
  }

  #grow(rows: number): void {
    const values = rows * this.#data.rowLength;
    if (this.#features.length < values) this.#features = new Float32Array(values);
  }
}

import { Dataset } from "../data/dataset.ts";
import { parametersFor } from "../engine/inference.ts";
import { BaseMismatchError, type BaseModel } from "../train/base_model.ts";
import type { LossName, ModelDescription } from "../train/handler.ts";
import type { Trainer } from "../train/trainer.ts";
import type { Inference } from "../train/inference.ts";
import type { BaseReference, EncoderModel } from "../train/models/encoder/encoder_model.ts";
import { initialEncoder } from "../train/models/encoder/initial.ts";
import { parseEncoderModel } from "../train/models/encoder/parse.ts";
import type { SamplesOptions } from "../train/samples.ts";
import { type BaseMemory, loadBase } from "./base_memory.ts";
import type { BaseWeights } from "./base_weights.ts";
import { FrozenBase, type FrozenBaseOptions } from "./base/frozen_base.ts";
import { EncoderTrainer } from "./encoder_trainer.ts";

/** Seed of the adapters that a handler has before `parameters` is set. */
const STAND_ALONE_SEED = 0;

/** Source of a base whose digest and size a model's description names. */
export type BaseSource = Omit<FrozenBaseOptions, "sha256" | "bytes" | "mirrors">;

/** Opens the base that a model's description names. */
export type OpenBase = (base: BaseReference) => Promise<BaseWeights>;

/**
 * Pretrained encoder of texts, on which adapters and heads are trained. Its weights are read into
 * the memory of the kernels when the first model is built. All handlers and evaluators of a thread
 * that are given the same object share them.
 *
 * @example A client that holds the base
 * ```ts ignore
 * import { ClientSGDHandler } from "@fedlab/core";
 * import { EncoderBase } from "@fedlab/core/encoder";
 *
 * using base = EncoderBase.at({ path: "model.safetensors" });
 * const handler = new ClientSGDHandler({ data, base });
 * ```
 */
export class EncoderBase implements BaseModel, Disposable {
  readonly #open: OpenBase;
  #weights: Promise<BaseWeights> | undefined;
  #loading: Promise<BaseMemory> | undefined;
  #shape: string | undefined;

  /**
   * Keeps the weights, or the function that opens those which a model's description names. Nothing
   * is read yet.
   */
  constructor(weights: BaseWeights | OpenBase) {
    this.#open = typeof weights === "function" ? weights : () => Promise.resolve(weights);
  }

  /** Opens the file of a base. The errors are those of {@linkcode FrozenBase.open}. */
  static async open(options: FrozenBaseOptions): Promise<EncoderBase> {
    return new EncoderBase(await FrozenBase.open(options));
  }

  /**
   * Makes a base whose file is opened when the first model is built on it. It must be the one that
   * the model's description names by digest and size; else building rejects with a `RangeError`.
   * The mirrors of the description are used where the source names hosts.
   */
  static at(source: BaseSource): EncoderBase {
    return new EncoderBase(({ sha256, bytes, mirrors }) =>
      FrozenBase.open({
        ...source,
        sha256,
        bytes,
        ...(source.hosts && source.path === undefined && mirrors && { mirrors }),
      })
    );
  }

  /** Builds the trainer of a described model. */
  async createTrainer(
    description: ModelDescription,
    samples: SamplesOptions,
    loss: LossName,
  ): Promise<Trainer> {
    return await this.#trainer(description, samples, { loss });
  }

  /**
   * Gives the same base for a client whose adapters have at most a rank, in a run whose strategy is
   * `flex`: it trains the first columns of `B` and rows of `A` (Bai et al. 2024). The weights are
   * shared.
   *
   * @throws {RangeError} If the rank is not a whole number from 1.
   */
  ofRank(rank: number): BaseModel {
    if (!Number.isSafeInteger(rank) || rank < 1) {
      throw new RangeError(`Cannot limit the rank of adapters: expected it from 1, got ${rank}`);
    }
    return {
      createTrainer: (description, samples, loss) =>
        this.#trainer(description, samples, { loss, rank }),
      createInference: (description, trained) => this.createInference(description, trained),
    };
  }

  async #trainer(
    description: ModelDescription,
    { data, testData = data }: SamplesOptions,
    { loss, rank }: { readonly loss: LossName; readonly rank?: number },
  ): Promise<Trainer> {
    const model = parseEncoderModel(description.topology);
    const trainer = new EncoderTrainer(await this.#load(model), model, loss, rank);
    try {
      for (const dataset of new Set<Dataset>([data, testData])) trainer.check(dataset);
      trainer.parameters = initialEncoder(model, STAND_ALONE_SEED).parameters;
    } catch (error) {
      trainer[Symbol.dispose]();
      throw error;
    }
    return trainer;
  }

  /** Builds a described model with its parameters. */
  async createInference(
    description: ModelDescription,
    { manifest, parameters }: Parameters<BaseModel["createInference"]>[1],
  ): Promise<Inference> {
    const model = parseEncoderModel(description.topology), { maxTokens, units } = model;
    // Losses do not count: the outputs are those of the head.
    const trainer = new EncoderTrainer(await this.#load(model), model, "softmaxCrossEntropy");
    trainer.parameters = parametersFor(trainer.manifest, manifest, parameters);
    return {
      inputShape: [maxTokens],
      outputShape: [units],
      run(features, shape) {
        const length = features.length / shape.reduce((product, size) => product * size, 1);
        const outputs = new Float32Array(length * units);
        const data = new Dataset(features, new Int32Array(length), shape, 1);
        let at = 0;
        trainer.judge(data, 0, length, {
          observe(output) {
            outputs.set(output, at);
            at += output.length;
          },
        });
        return outputs;
      },
      [Symbol.dispose]: () => trainer[Symbol.dispose](),
    };
  }

  async #load({ base, encoder }: EncoderModel): Promise<BaseMemory> {
    const opening = this.#weights ??= this.#open(base);
    // What could not be opened or read is tried anew.
    const weights = await opening.catch((error) => {
      this.#weights = undefined;
      throw error;
    });
    const { sha256, bytes, format } = weights.reference;
    if (base.sha256 !== sha256 || base.bytes !== bytes || base.format !== format) {
      throw new BaseMismatchError(
        `Cannot train the model: it is described on the base ${base.sha256} of ${base.bytes} bytes ` +
          `(${base.format}), this client has ${sha256} of ${bytes} bytes (${format})`,
      );
    }
    const shape = JSON.stringify(encoder);
    if (this.#loading === undefined || this.#shape !== shape) {
      const loading = loadBase(weights, encoder);
      this.#loading = loading;
      this.#shape = shape;
      loading.catch(() => {
        if (this.#loading === loading) this.#loading = undefined;
      });
    }
    return await this.#loading;
  }

  /** Closes the file. Models that were built go on. */
  [Symbol.dispose](): void {
    this.#weights?.then((weights) => weights[Symbol.dispose]?.(), () => {});
  }
}

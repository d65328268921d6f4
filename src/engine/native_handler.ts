import { lazy } from "../base/lazy.ts";
import { type BaseModel, needBase } from "../train/base_model.ts";
import type { LossName, ModelDescription } from "../train/handler.ts";
import { SGDHandler, type SGDHandlerOptions, type TrainLogger } from "../train/sgd_handler.ts";
import type { SamplesOptions } from "../train/samples.ts";
import type { Trainer } from "../train/trainer.ts";

const loadNative = /* @__PURE__ */ lazy(() => import("./create_trainer.ts"));

/** Options of {@linkcode NativeSGDHandler}. */
export interface NativeSGDHandlerOptions extends SGDHandlerOptions {
  /**
   * Pretrained model on which models of the format `text-encoder` are built, such as an
   * `EncoderBase`. Default: none.
   */
  base?: BaseModel;
  /** Receives one line when the model is built. Default: no logging. */
  logger?: TrainLogger;
}

/**
 * Stochastic gradient descent on this package's own WebAssembly kernels.
 *
 * It loads no machine-learning library and needs no permission. It runs the usual layers for
 * images, tables and sequences of words. For any other layer {@linkcode SGDHandler.setUp} rejects
 * with an {@linkcode UnsupportedModelError} that names the layer; `ClientSGDHandler` may run it.
 * Until {@linkcode SGDHandler.parameters} is set, as a topology does before each round, the weights
 * are those of seed 0.
 *
 * @example Two epochs on the digits
 * ```ts
 * import { digits, mlp, NativeSGDHandler } from "@fedlab/core";
 * import { assert } from "@std/assert";
 *
 * await using handler = new NativeSGDHandler({ data: await digits() });
 * await handler.setUp(mlp({ inputShape: [8, 8, 1], numClasses: 10 }));
 * const { metrics } = await handler.train({
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
 * assert((metrics.accuracy ?? 0) > 0.9);
 * ```
 */
export class NativeSGDHandler extends SGDHandler {
  readonly #options: NativeSGDHandlerOptions;

  /**
   * Keeps the options.
   *
   * @throws {RangeError} If the data has no rows or the loss is unknown.
   */
  constructor(options: NativeSGDHandlerOptions) {
    super(options);
    this.#options = options;
  }

  /** Builds the described model on the kernels. */
  protected override async createTrainer(
    description: ModelDescription | undefined,
    loss: LossName,
    samples: SamplesOptions,
  ): Promise<Trainer> {
    const { base, logger } = this.#options;
    const trainer = description?.format === "text-encoder"
      ? await needBase(base).createTrainer(description, samples, loss)
      : (await loadNative()).createNativeTrainer(description, samples, loss);
    logger?.info?.("Training on the native engine");
    return trainer;
  }
}

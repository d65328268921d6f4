import type { LossName, ModelDescription } from "../train/handler.ts";
import { SGDHandler, type SGDHandlerOptions, type TrainLogger } from "../train/sgd_handler.ts";
import type { Trainer } from "../train/trainer.ts";
import { createNativeTrainer } from "./create.ts";

/** Options of {@linkcode NativeSGDHandler}. */
export interface NativeSGDHandlerOptions extends SGDHandlerOptions {
  /** Takes a line when the model is built. Default: none are given. */
  logger?: TrainLogger;
}

/**
 * Trains a layers model by stochastic gradient descent on this package's own WebAssembly kernels: no machine-learning
 * library is loaded, and no permission is needed.
 *
 * It runs the usual layers of images, rows and sequences of words; {@linkcode SGDHandler.setUp} rejects with an
 * {@linkcode UnsupportedModelError} that names the layer for any other, which `ClientSGDHandler` of `@fedlab/core/tfjs` may
 * run. Until {@linkcode SGDHandler.parameters} is set, as a topology does before each round, the weights are those of seed 0.
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

  /** Keeps the options. Throws a `RangeError` for data without rows or an unknown loss. */
  constructor(options: NativeSGDHandlerOptions) {
    super(options);
    this.#options = options;
  }

  /** Builds the described model on the kernels. */
  protected override createTrainer(
    description: ModelDescription | undefined,
    loss: LossName,
  ): Promise<Trainer> {
    const { logger } = this.#options;
    const trainer = createNativeTrainer(description, this.#options, loss);
    logger?.info?.("Training on the native engine");
    return Promise.resolve(trainer);
  }
}

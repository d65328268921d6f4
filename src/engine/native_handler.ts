import { checkFit, needDescription } from "../train/fit.ts";
import type { LossName, ModelDescription } from "../train/handler.ts";
import { checkSampleValues } from "../train/models/model_limits.ts";
import { SGDHandler, type SGDHandlerOptions, type TrainLogger } from "../train/sgd_handler.ts";
import type { SamplesOptions } from "../train/samples.ts";
import type { Trainer } from "../train/trainer.ts";
import { readGraph } from "./graph/read_graph.ts";
import { initialVector } from "./initializers.ts";
import { areBytes } from "./resident_rows.ts";
import { NativeTrainer } from "./trainer.ts";

/** Seed of the weights that a handler has before `parameters` is set. */
const STAND_ALONE_SEED = 0;

/**
 * Builds the described model on the native kernels.
 *
 * @throws {TypeError} If there is no description.
 * @throws {UnsupportedModelError} If the kernels do not run the model.
 * @throws {RangeError} If the data does not fit the model, or the model is too large.
 */
export function createNativeTrainer(
  description: ModelDescription | undefined,
  { data, rows, testData = data }: SamplesOptions,
  loss: LossName,
): NativeTrainer {
  const graph = readGraph({ ...needDescription(description), loss });
  const input = graph.nodes[0]?.shape ?? [], output = graph.nodes.at(-1)?.shape ?? [];
  checkSampleValues(graph.nodes);
  for (const dataset of new Set([data, testData])) checkFit(input, output, dataset, loss);
  const trainer = NativeTrainer.create(graph, (rows ?? data).length, {
    train: areBytes(data),
    judge: areBytes(testData),
  });
  trainer.parameters = initialVector(graph, STAND_ALONE_SEED);
  return trainer;
}

/** Options of {@linkcode NativeSGDHandler}. */
export interface NativeSGDHandlerOptions extends SGDHandlerOptions {
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
  protected override createTrainer(
    description: ModelDescription | undefined,
    loss: LossName,
    samples: SamplesOptions,
  ): Promise<Trainer> {
    const { logger } = this.#options;
    const trainer = createNativeTrainer(description, samples, loss);
    logger?.info?.("Training on the native engine");
    return Promise.resolve(trainer);
  }
}

import type { LossName, ModelDescription } from "../train/handler.ts";
import { createNativeTrainer } from "../engine/create.ts";
import { UnsupportedModelError } from "../engine/graph/graph.ts";
import { SGDHandler } from "../train/sgd_handler.ts";
import type { Trainer } from "../train/trainer.ts";
import { tryNative } from "./engine.ts";
import type { ClientSGDHandlerOptions } from "./options.ts";

/**
 * Trains a layers model by stochastic gradient descent: on this package's own kernels where they run it, else with TensorFlow.js,
 * which is loaded only then.
 *
 * The order of the samples depends on seed, round and rank alone, and so do the masks of dropout layers: with the same
 * parameters, plan and engine, training gives the same bytes. The engines differ by rounding, and in their dropout masks. Momentum
 * starts afresh each round unless the plan keeps it. Moving statistics of BatchNorm are part of the parameters.
 *
 * {@linkcode SGDHandler.setUp} rejects with a `TypeError` when there is no model at all, it is of another kind or nothing
 * reads its description, a `RangeError` for data that does not fit the model, an {@linkcode UnsupportedModelError} when the
 * engine `"native"` was asked for and does not run it, and an `Error` when tfjs's backend does not start.
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
export class ClientSGDHandler extends SGDHandler {
  readonly #options: ClientSGDHandlerOptions;

  /** Keeps the options; nothing starts before `setUp()`. Throws a `RangeError` for data without rows or an unknown loss. */
  constructor(options: ClientSGDHandlerOptions) {
    super(options);
    this.#options = options;
  }

  /** Builds the described model, or takes the handler's own, on the engine that was chosen. */
  protected override async createTrainer(
    description: ModelDescription | undefined,
    loss: LossName,
  ): Promise<Trainer> {
    const { data, testData = data, model, engine = "auto", backend, logger } = this.#options;
    const native = tryNative(engine, () => {
      if (model === undefined) return createNativeTrainer(description, this.#options, loss);
      throw new UnsupportedModelError("The model is an object of tfjs");
    }, logger);
    if (native) return native;
    const { TfjsTrainer } = await import("./trainer.ts");
    return await TfjsTrainer.create(description, { data, testData, loss, model, backend, logger });
  }
}

import { lazy } from "../base/lazy.ts";
import type { BackendChoice, EngineChoice } from "../train/engine_choice.ts";
import type { LossName, ModelDescription } from "../train/handler.ts";
import { SGDHandler, type SGDHandlerOptions, type TrainLogger } from "../train/sgd_handler.ts";
import type { SamplesOptions } from "../train/samples.ts";
import type { Trainer } from "../train/trainer.ts";
import { type BaseModel, needBase } from "../train/base_model.ts";
import { checkEncoderEngine, makeOn } from "./choose.ts";
import type { TfjsLayersModel } from "../tfjs/layers_model.ts";
import { UnsupportedModelError } from "./graph/graph.ts";

const loadNative = /* @__PURE__ */ lazy(() => import("./create_trainer.ts"));
const loadTfjs = /* @__PURE__ */ lazy(() => import("../tfjs/trainer.ts"));

/** Options of {@linkcode ClientSGDHandler}. */
export interface ClientSGDHandlerOptions extends SGDHandlerOptions {
  /**
   * Own tfjs model, used in place of the server's description. The caller disposes of it. Build it
   * after `await startBackend()`.
   */
  model?: TfjsLayersModel;
  /**
   * Pretrained model on which models of the format `text-encoder` are built, such as an
   * `EncoderBase`. Default: none.
   */
  base?: BaseModel;
  /**
   * Engine that trains: the native kernels where they run the model, else tfjs.
   *
   * @default {"auto"}
   */
  engine?: EngineChoice;
  /**
   * Backend of tfjs, when tfjs trains.
   *
   * @default {"auto"}
   */
  backend?: BackendChoice;
  /** Receives warnings and one line that names the engine. Default: no logging. */
  logger?: TrainLogger;
}

/**
 * Stochastic gradient descent on the native kernels where they run the model, else on
 * TensorFlow.js, which is loaded only then.
 *
 * The order of the samples and the masks of dropout layers depend on seed, round and rank alone:
 * with the same parameters, plan and engine, training gives the same bytes. The engines differ by
 * rounding and in their dropout masks. Momentum starts afresh each round unless the plan keeps it.
 * Moving statistics of BatchNorm are part of the parameters.
 *
 * {@linkcode SGDHandler.setUp} rejects with
 *
 * - a `TypeError` when there is no model, the model is of another kind, or its description cannot
 *   be read;
 * - a `RangeError` when the data does not fit the model;
 * - a {@linkcode BaseMismatchError} when the model is described on another base than the option's;
 * - an {@linkcode UnsupportedModelError} when the engine is `"native"` and does not run the model;
 * - an `Error` when tfjs's backend does not start.
 *
 * @example Two epochs on the digits
 * ```ts
 * import { digits, mlp } from "@fedlab/core";
 * import { ClientSGDHandler } from "@fedlab/core";
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

  /**
   * Keeps the options; nothing starts before `setUp()`.
   *
   * @throws {RangeError} If the data has no rows or the loss is unknown.
   */
  constructor(options: ClientSGDHandlerOptions) {
    super(options);
    this.#options = options;
  }

  /** Builds the described model, or takes the handler's own, on the chosen engine. */
  protected override async createTrainer(
    description: ModelDescription | undefined,
    loss: LossName,
    samples: SamplesOptions,
  ): Promise<Trainer> {
    const { data, testData = data } = samples;
    const { model, engine = "auto", backend, logger, base } = this.#options;
    if (model === undefined && description?.format === "text-encoder") {
      checkEncoderEngine(engine);
      const trainer = await needBase(base).createTrainer(description, samples, loss);
      logger?.info?.("Training on the native engine");
      return trainer;
    }
    if (base) logger?.warn("The model is described on no pretrained base: the option base is idle");
    return await makeOn<Trainer, Trainer>(engine, {
      native: async () => {
        if (model !== undefined) throw new UnsupportedModelError("The model is an object of tfjs");
        const { createNativeTrainer } = await loadNative();
        return createNativeTrainer(description, samples, loss);
      },
      tfjs: async () => {
        const { TfjsTrainer } = await loadTfjs();
        const options = { data, testData, loss, model, backend, logger };
        return await TfjsTrainer.create(description, options);
      },
    }, logger);
  }
}

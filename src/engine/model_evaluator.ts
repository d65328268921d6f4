import type { Dataset } from "../data/dataset.ts";
import type { BaseModel } from "../train/base_model.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { BackendChoice, EngineChoice } from "../train/engine_choice.ts";
import type { Evaluator, ModelDescription } from "../train/handler.ts";
import { initialEncoder } from "../train/models/encoder/initial.ts";
import { parseEncoderModel } from "../train/models/encoder/parse.ts";
import { seedInitializers } from "../train/models/seed_initializers.ts";
import type { TrainLogger } from "../train/sgd_handler.ts";
import { checkEncoderEngine, makeOn } from "./choose.ts";
import { ClientSGDHandler } from "./client_handler.ts";

/** Initial global model of a server. */
export interface InitialParameters {
  /** Layout of the vector; a client's must be the same. */
  readonly manifest: Manifest;
  /** Initial state of the model, of length `manifest.length`. */
  readonly parameters: ParameterVector;
}

/** Choice of the engine on a server. */
export interface TfjsOptions {
  /**
   * Engine that computes: the native kernels where they run the model, else tfjs.
   *
   * @default {"auto"}
   */
  engine?: EngineChoice;
  /**
   * Backend of tfjs, when tfjs computes.
   *
   * @default {"auto"}
   */
  backend?: BackendChoice;
  /**
   * Pretrained model that the model is described on, for models of the format `text-encoder`.
   * Default: none.
   */
  base?: BaseModel;
  /**
   * Receives warnings and, from an evaluator, one line that names the engine. Default: no logging.
   */
  logger?: TrainLogger;
}

/** Options of {@linkcode modelEvaluator}. */
export interface EvaluatorOptions extends TfjsOptions {
  /**
   * Includes the confusion matrix in each evaluation of a classifier.
   *
   * @default {false}
   */
  confusion?: boolean;
}

/**
 * Builds the manifest and the initial state of the described model. The weights depend on `seed`
 * and the engine alone.
 *
 * @param description The model.
 * @param seed Seed of the weights, an integer from 0 to 2^32 - 1.
 * @throws {TypeError} If the description cannot be read.
 * @throws {RangeError} If the seed is out of range.
 * @throws {UnsupportedModelError} If the engine is `"native"` and does not run the model.
 */
export async function initialParameters(
  description: ModelDescription,
  seed: number,
  { engine = "auto", backend, logger }: TfjsOptions = {},
): Promise<InitialParameters> {
  if (description.format === "text-encoder") {
    checkEncoderEngine(engine);
    return initialEncoder(parseEncoderModel(description.topology), seed);
  }
  const seeded = seedInitializers(description, seed);
  return await makeOn<InitialParameters, InitialParameters>(engine, {
    native: async () => {
      const { initialState } = await import("./initial_state.ts");
      return initialState(description, seed);
    },
    tfjs: async () => {
      const { initialState } = await import("../tfjs/initial.ts");
      return await initialState(seeded, backend, logger);
    },
  });
}

/** Evaluation of parameter vectors on a server's own data. */
export interface ModelEvaluator extends AsyncDisposable {
  /** Layout of the vectors. */
  readonly manifest: Manifest;
  /**
   * Loss and accuracy of the model with the given parameters. The function may be passed on without
   * its object. It rejects with a `RangeError` for a vector of the wrong length or with a value
   * that is not finite.
   */
  readonly evaluate: Evaluator;
}

/**
 * Builds the described model to evaluate it on `data`.
 *
 * The errors are those of {@linkcode ClientSGDHandler}'s `setUp()`.
 *
 * @example Accuracy of a model with random weights
 * ```ts
 * import { digits, mlp } from "@fedlab/core";
 * import { initialParameters, modelEvaluator } from "@fedlab/core";
 * import { assert } from "@std/assert";
 *
 * const model = mlp({ inputShape: [8, 8, 1], numClasses: 10 });
 * await using evaluator = await modelEvaluator(model, await digits());
 * const { parameters } = await initialParameters(model, 1);
 * const { accuracy } = await evaluator.evaluate(parameters);
 * assert(accuracy !== undefined && accuracy < 0.5);
 * ```
 */
export async function modelEvaluator(
  description: ModelDescription,
  data: Dataset,
  { confusion = false, ...options }: EvaluatorOptions = {},
): Promise<ModelEvaluator> {
  const handler = new ClientSGDHandler({ data, ...options });
  await handler.setUp(description);
  return {
    manifest: handler.manifest,
    evaluate: async (parameters, signal) => {
      handler.parameters = parameters;
      return await handler.evaluateOn(data, { confusion }, signal);
    },
    [Symbol.asyncDispose]: () => handler[Symbol.asyncDispose](),
  };
}

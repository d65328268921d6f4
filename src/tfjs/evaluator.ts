import type { BackendChoice, EngineChoice } from "../train/engine_choice.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { Evaluator, ModelDescription } from "../train/handler.ts";
import { seedInitializers } from "../train/models/models.ts";
import { initialVector } from "../engine/initializers.ts";
import { readGraph } from "../engine/graph/read_graph.ts";
import type { TrainLogger } from "../train/sgd_handler.ts";
import { tryNative } from "./engine.ts";
import { ClientSGDHandler } from "./handler.ts";

/** What a server starts from. */
export interface InitialParameters {
  /** What the vector holds; a client's must be the same. */
  readonly manifest: Manifest;
  /** The model's initial state, of length `manifest.length`. */
  readonly parameters: ParameterVector;
}

/** What computes on a server. */
export interface TfjsOptions {
  /** What computes. Default `"auto"`: this package's own kernels where they run the model, else tfjs. */
  engine?: EngineChoice;
  /** Where tfjs computes, when it does. Default `"auto"`. */
  backend?: BackendChoice;
  /** Takes warnings, and from an evaluator a line that says which engine computes. Default: none are given. */
  logger?: TrainLogger;
}

/** Options of {@linkcode modelEvaluator}. */
export interface EvaluatorOptions extends TfjsOptions {
  /** Has an evaluation of a classifier tell what it took each class for. Default `false`. */
  confusion?: boolean;
}

/**
 * The described model's manifest and its initial state, with weights that depend on `seed` and the engine alone.
 *
 * Rejects with a `TypeError` for a description that cannot be read, a `RangeError` for a seed out of range, and an
 * `UnsupportedModelError` for a model that the engine `"native"` was asked to run and does not.
 */
export async function initialParameters(
  description: ModelDescription,
  seed: number,
  { engine = "auto", backend, logger }: TfjsOptions = {},
): Promise<InitialParameters> {
  const seeded = seedInitializers(description, seed);
  const native = tryNative(engine, () => {
    const graph = readGraph(description);
    return { manifest: graph.manifest, parameters: initialVector(graph, seed) };
  });
  if (native) return native;
  const { initialState } = await import("./initial.ts");
  return await initialState(seeded, backend, logger);
}

/** Judges parameter vectors on a server's own data. */
export interface ModelEvaluator extends AsyncDisposable {
  /** What a vector must hold. */
  readonly manifest: Manifest;
  /**
   * Loss and accuracy of the model with these parameters. It may be passed on by itself. Rejects with a `RangeError` for a vector
   * of the wrong length or with a value that is not finite.
   */
  readonly evaluate: Evaluator;
}

/**
 * Builds the described model to evaluate it on `data`; the errors are those of {@linkcode ClientSGDHandler.setUp}.
 *
 * @example
 * ```ts
 * import { digits, mlp } from "@fedlab/core";
 * import { initialParameters, modelEvaluator } from "@fedlab/core/tfjs";
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

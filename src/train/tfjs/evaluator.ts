import type { Dataset } from "../../data/dataset.ts";
import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import type { Evaluator, ModelDescription } from "../handler.ts";
import { seedInitializers } from "../models.ts";
import { type BackendChoice, type BackendLogger, startBackend } from "./backend.ts";
import { buildModel } from "./_network.ts";
import { Weights } from "./_weights.ts";
import { ClientSGDHandler } from "./handler.ts";

/** What a server starts from. */
export interface InitialParameters {
  /** What the vector holds; a client's must be the same. */
  readonly manifest: Manifest;
  /** The model's initial state, of length `manifest.length`. */
  readonly parameters: ParameterVector;
}

/** How tfjs is started on a server. */
export interface TfjsOptions {
  /** Where tfjs computes. Default `"auto"`. */
  backend?: BackendChoice;
  /** Takes warnings. Default: none are given. */
  logger?: BackendLogger;
}

/**
 * Builds the described model once, with weights that depend on `seed` alone, and gives its manifest and its state.
 *
 * Rejects with a `TypeError` for a description that tfjs cannot read and a `RangeError` for a seed out of range.
 */
export async function initialParameters(
  description: ModelDescription,
  seed: number,
  { backend, logger }: TfjsOptions = {},
): Promise<InitialParameters> {
  const seeded = seedInitializers(description, seed);
  await startBackend(backend, logger);
  const model = await buildModel(seeded);
  try {
    const weights = Weights.of(model);
    return { manifest: weights.manifest, parameters: weights.gather().vector };
  } finally {
    model.dispose();
  }
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
  options: TfjsOptions = {},
): Promise<ModelEvaluator> {
  const handler = new ClientSGDHandler({ data, ...options });
  await handler.setUp(description);
  return {
    manifest: handler.manifest,
    evaluate: async (parameters, signal) => {
      handler.parameters = parameters;
      return await handler.evaluate(signal);
    },
    [Symbol.asyncDispose]: () => handler[Symbol.asyncDispose](),
  };
}

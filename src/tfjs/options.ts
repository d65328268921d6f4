import type { BackendChoice, EngineChoice } from "../train/engine_choice.ts";
import type { SGDHandlerOptions, TrainLogger } from "../train/sgd_handler.ts";

/** Any `tf.LayersModel` of `npm:@tensorflow/tfjs@4.22.0`, by what tells it from other things. */
export interface TfjsLayersModel {
  /** Its layers, from input to output. */
  readonly layers: readonly unknown[];
  /** The tensors of its weights. */
  getWeights(): readonly unknown[];
  /** Number of its parameters. */
  countParams(): number;
}

/** Options of {@linkcode ClientSGDHandler}. */
export interface ClientSGDHandlerOptions extends SGDHandlerOptions {
  /**
   * A model of one's own, which is kept over the server's description and runs on tfjs. It stays the caller's to dispose of.
   * Build it after `await startBackend()`.
   */
  model?: TfjsLayersModel;
  /** What computes. Default `"auto"`: this package's own kernels where they run the model, else tfjs. */
  engine?: EngineChoice;
  /** Where tfjs computes, when it does. Default `"auto"`. */
  backend?: BackendChoice;
  /** Takes warnings, and a line that says which engine computes. Default: none are given. */
  logger?: TrainLogger;
}

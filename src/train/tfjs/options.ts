import type { Dataset } from "../../data/dataset.ts";
import type { LossName } from "../handler.ts";
import type { BackendChoice, BackendLogger } from "./backend.ts";

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
export interface ClientSGDHandlerOptions {
  /** The client's training data; at least one row. */
  data: Dataset;
  /** Data to evaluate on. Default: the training data. */
  testData?: Dataset;
  /**
   * A model of one's own, which is kept over the server's description. It stays the caller's to dispose of. Build it
   * after `await startBackend()`.
   */
  model?: TfjsLayersModel;
  /** The loss to lower. Default: the description's, or softmaxCrossEntropy when there is none. */
  loss?: LossName;
  /** Where tfjs computes. Default `"auto"`. */
  backend?: BackendChoice;
  /** Takes warnings. Default: none are given. */
  logger?: BackendLogger;
}

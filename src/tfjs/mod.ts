/**
 * Training and evaluation on this package's own kernels, or with TensorFlow.js where those do not run a model: tfjs is heavy, so it
 * is loaded only then, and nothing starts on import.
 *
 * @module
 */

export type { BackendLogger } from "./backend.ts";
export { startBackend } from "./start.ts";
export type { BackendChoice, EngineChoice } from "../train/engine_choice.ts";
export { ClientSGDHandler } from "./handler.ts";
export type { ClientSGDHandlerOptions, TfjsLayersModel } from "./options.ts";
export {
  type EvaluatorOptions,
  type InitialParameters,
  initialParameters,
  type ModelEvaluator,
  modelEvaluator,
  type TfjsOptions,
} from "./evaluator.ts";

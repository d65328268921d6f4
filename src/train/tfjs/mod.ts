/**
 * Training and evaluation with TensorFlow.js. It has its own entry point because tfjs is heavy; nothing starts on import.
 *
 * @module
 */

export { type BackendChoice, type BackendLogger, startBackend } from "./backend.ts";
export { ClientSGDHandler } from "./handler.ts";
export type { ClientSGDHandlerOptions, TfjsLayersModel } from "./options.ts";
export {
  type InitialParameters,
  initialParameters,
  type ModelEvaluator,
  modelEvaluator,
  type TfjsOptions,
} from "./evaluator.ts";

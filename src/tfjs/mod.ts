/**
 * Start of TensorFlow.js's backend, and the handlers that use TensorFlow.js for models that the
 * native kernels do not run. It is loaded only when needed: nothing starts on import.
 *
 * The handlers are exported by `@fedlab/core` too; import them from there.
 *
 * @module
 */

export type { BackendLogger } from "./backend.ts";
export { startBackend } from "./start.ts";
export type { BackendChoice, EngineChoice } from "../train/engine_choice.ts";
export {
  ClientSGDHandler,
  type ClientSGDHandlerOptions,
  type EvaluatorOptions,
  type InitialParameters,
  initialParameters,
  type ModelEvaluator,
  modelEvaluator,
  type TfjsLayersModel,
  type TfjsOptions,
} from "../engine/mod.ts";

/**
 * Training and evaluation on this package's own kernels, or on TensorFlow.js where they do not run
 * a model. TensorFlow.js is loaded only then.
 *
 * @module
 */

export { ClientSGDHandler, type ClientSGDHandlerOptions } from "./client_handler.ts";
export { UnsupportedModelError } from "./graph/graph.ts";
export {
  type EvaluatorOptions,
  type InitialParameters,
  initialParameters,
  type ModelEvaluator,
  modelEvaluator,
  type TfjsOptions,
} from "./model_evaluator.ts";
export { ModelStepper } from "./stepper.ts";
export { NativeSGDHandler, type NativeSGDHandlerOptions } from "./native_handler.ts";
export type { TfjsLayersModel } from "../tfjs/layers_model.ts";

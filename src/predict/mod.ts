/**
 * Predictions with names from a trained model, and its export to other libraries.
 *
 * @module
 */

export { type ModelFiles, type ModelSource, readSource as readModelSource } from "./source.ts";
export type { PredictInput, PredictOptions } from "./pieces.ts";
export {
  type PredictedSteps,
  type Prediction,
  Predictions,
  type PredictionsParts,
} from "./predictions.ts";
export { evaluateModel, type EvaluateModelOptions, type ModelEvaluation } from "./evaluate.ts";
export { Predictor, type PredictorOptions } from "./predictor.ts";
export type { Row } from "./rows.ts";
export type { TokenizerSource } from "./texts.ts";
export { EXPORT_FORMATS, type ExportFormat, exportModel } from "./export/export.ts";
export { type SampleOptions, TextGenerator, type TextPlace } from "./generation/text_generator.ts";
export type { ExportedFile } from "./export/exported.ts";

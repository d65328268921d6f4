/**
 * Evaluation of a trained model on data with targets.
 *
 * @module
 */

import type { Dataset } from "../data/dataset.ts";
import type { DataSource } from "../data/schema/data_source.ts";
import type { Schema } from "../data/schema/schema.ts";
import { parametersFor } from "../engine/inference.ts";
import { modelEvaluator, type TfjsOptions } from "../engine/model_evaluator.ts";
import type { EvaluateResult } from "../plan/results.ts";
import type { TrainedModel } from "../train/models/model_file.ts";
import { needModel, Predictor } from "./predictor.ts";

/** Evaluation of {@linkcode evaluateModel}. */
export interface ModelEvaluation extends EvaluateResult {
  /** Schema by which the data were arranged. */
  readonly schema: Schema | undefined;
  /** Lines about what became of the data: columns that were ignored, values that were filled in. */
  readonly notes: readonly string[];
}

/** Options of {@linkcode evaluateModel}. */
export interface EvaluateModelOptions extends TfjsOptions {
  /** Ends the evaluation; it then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Evaluates a trained model on the test data of a source, or on all of its data if it has none,
 * arranged by the model's schema.
 *
 * @param trained Model with its description, such as `readModel()` gives.
 * @param source Data with targets.
 * @throws {RangeError | SyntaxError | TypeError} If the data do not fit the schema, or the weights
 * do not fit the description.
 */
export async function evaluateModel(
  trained: TrainedModel,
  source: DataSource,
  { signal, ...options }: EvaluateModelOptions = {},
): Promise<ModelEvaluation> {
  const model = needModel(trained);
  const schema = trained.schema ?? await schemaByPlace(trained, options);
  const { train, test = train, notes } = await source.arrange(schema);
  const result = await evaluate(trained, model, test, { ...options, ...(signal && { signal }) });
  return { ...result, schema: test.schema, notes };
}

/** Returns the schema of a model that has none: the classes of the data are numbers too. */
async function schemaByPlace(trained: TrainedModel, options: TfjsOptions): Promise<Schema> {
  await using predictor = await Predictor.of(trained, options);
  return predictor.schema;
}

async function evaluate(
  { manifest, parameters }: TrainedModel,
  model: Parameters<typeof modelEvaluator>[0],
  data: Dataset,
  { signal, ...options }: EvaluateModelOptions,
): Promise<EvaluateResult> {
  await using evaluator = await modelEvaluator(model, data, { ...options, confusion: true });
  return await evaluator.evaluate(
    parametersFor(evaluator.manifest, manifest, parameters),
    signal,
  );
}

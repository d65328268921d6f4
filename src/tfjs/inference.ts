import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { BackendChoice } from "../train/engine_choice.ts";
import type { ModelDescription } from "../train/handler.ts";
import { type Inference, INFERENCE_ROWS } from "../train/inference.ts";
import { type BackendLogger, startBackend } from "./backend.ts";
import { tf } from "./deps.ts";
import { tensorOf, valuesOf } from "./memory.ts";
import { buildModel, checkMeans, sampleShapes } from "./network.ts";
import { Weights } from "./weights.ts";

/**
 * Builds a model with its parameters on tfjs, to compute outputs in inference mode.
 *
 * @param parametersFor Returns the parameters in a layout.
 */
export async function tfjsInference(
  description: ModelDescription,
  parametersFor: (layout: Manifest) => ParameterVector,
  backend?: BackendChoice,
  logger?: BackendLogger,
): Promise<Inference> {
  await startBackend(backend, logger);
  const model = await buildModel(description);
  try {
    checkMeans(model);
    const weights = Weights.of(model);
    weights.scatter(parametersFor(weights.manifest));
    const { input, output } = sampleShapes(model);
    return {
      inputShape: input,
      outputShape: output,
      run: (features, shape) => run(model, features, shape),
      [Symbol.dispose]: () => void model.dispose(),
    };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

function run(
  model: tf.LayersModel,
  features: Float32Array,
  shape: readonly number[],
): Float32Array {
  const width = shape.reduce((product, size) => product * size, 1);
  const length = features.length / width;
  const pieces: Float32Array[] = [];
  for (let from = 0; from < length; from += INFERENCE_ROWS) {
    const to = Math.min(from + INFERENCE_ROWS, length);
    tf.tidy(() => {
      const input = tensorOf(features.subarray(from * width, to * width), [to - from, ...shape]);
      pieces.push(valuesOf(model.apply(input, { training: false }) as tf.Tensor).slice());
    });
  }
  const outputs = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    outputs.set(piece, at);
    at += piece.length;
  }
  return outputs;
}

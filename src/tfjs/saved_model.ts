import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { ModelDescription } from "../train/handler.ts";
import { startBackend } from "./backend.ts";
import { tf } from "./deps.ts";
import { buildModel } from "./network.ts";
import { Weights } from "./weights.ts";

/** Model as tfjs stores it. */
export interface SavedLayersModel {
  /** Layers, all of which have names. */
  readonly topology: unknown;
  /** Names, shapes and types of the weights. */
  readonly weightSpecs: readonly unknown[];
  /** Values of the weights, one after the other. */
  readonly weights: Uint8Array<ArrayBuffer>;
  /** Text that names tfjs and its version. */
  readonly generatedBy: string;
}

/**
 * Gives a model in the form in which tfjs stores layers models.
 *
 * @param parametersFor Returns the parameters in a layout.
 * @throws {TypeError} If tfjs cannot read the description.
 */
export async function saveLayersModel(
  description: ModelDescription,
  parametersFor: (layout: Manifest) => ParameterVector,
): Promise<SavedLayersModel> {
  await startBackend();
  const model = await buildModel(description);
  try {
    const weights = Weights.of(model);
    weights.scatter(parametersFor(weights.manifest));
    let saved: tf.io.ModelArtifacts = {};
    await model.save(tf.io.withSaveHandler((artifacts) => {
      saved = artifacts;
      return Promise.resolve({
        modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" },
      });
    }));
    const data = tf.io.CompositeArrayBuffer.join(saved.weightData);
    return {
      topology: saved.modelTopology,
      weightSpecs: saved.weightSpecs ?? [],
      weights: new Uint8Array(data),
      generatedBy: `TensorFlow.js tfjs-layers v${tf.version["tfjs-layers"]}`,
    };
  } finally {
    model.dispose();
  }
}

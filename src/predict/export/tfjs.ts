/**
 * Models as TensorFlow.js stores them.
 *
 * @module
 */

import { VERSION } from "../../base/version.ts";
import { parametersFor } from "../../engine/inference.ts";
import { type Exportable, type ExportedFile, textFile } from "./exported.ts";

const WEIGHTS_FILE = "weights.bin";

/**
 * Encodes a model as the files `model.json` and `weights.bin`, which `tf.loadLayersModel` reads.
 *
 * The model takes features that are arranged by the schema, and gives what its loss takes: logits
 * for `softmaxCrossEntropy` and `sigmoidCrossEntropy`. Loss, schema and classes are in the field
 * `userDefinedMetadata`.
 *
 * @throws {TypeError} If tfjs cannot read the description.
 */
export async function toTfjs(trained: Exportable): Promise<ExportedFile[]> {
  const { model, schema, manifest, parameters } = trained;
  const { saveLayersModel } = await import("../../tfjs/saved_model.ts");
  const { topology, weightSpecs, weights, generatedBy } = await saveLayersModel(
    model,
    (layout) => parametersFor(layout, manifest, parameters),
  );
  const json = {
    format: "layers-model",
    generatedBy,
    convertedBy: `fedlab ${VERSION}`,
    modelTopology: topology,
    weightsManifest: [{ paths: [WEIGHTS_FILE], weights: weightSpecs }],
    userDefinedMetadata: { fedlab: { loss: model.loss, ...(schema && { schema }) } },
  };
  return [textFile("model.json", JSON.stringify(json)), { name: WEIGHTS_FILE, bytes: weights }];
}

/**
 * Models in the formats of other libraries.
 *
 * @module
 */

import { didYouMean } from "../../base/did_you_mean.ts";
import type { TrainedModel } from "../../train/models/model_file.ts";
import { EXPORT_FORMATS, type ExportFormat } from "./formats.ts";
import { exportable, type ExportedFile } from "./exported.ts";

export { EXPORT_FORMATS, type ExportFormat };

/**
 * Encodes a trained model in the format of another library.
 *
 * - `tfjs`: `model.json` and `weights.bin`, for `tf.loadLayersModel` of TensorFlow.js.
 * - `onnx`: `model.onnx`, for ONNX Runtime and others, whose outputs are probabilities or measures.
 * - `keras`: `model.json`, `model.safetensors` and `load.py`, which loads them into Keras 3.
 *
 * Inputs are features that are arranged by the schema, which each format carries.
 *
 * @param trained Model with its description, such as `readModel()` gives.
 * @throws {TypeError} If there is no description of the model, or it cannot be read.
 * @throws {UnsupportedModelError} If the model has a layer that cannot be exported.
 * @throws {RangeError} If weights, description and schema do not fit one another.
 *
 * @example An ONNX file
 * ```ts
 * import { initialParameters, logisticRegression } from "@fedlab/core";
 * import { exportModel } from "@fedlab/core/predict";
 * import { assertEquals } from "@std/assert";
 *
 * const model = logisticRegression({ inputShape: [4], numClasses: 3 });
 * const trained = { model, ...await initialParameters(model, 1), metadata: {} };
 * const [file] = await exportModel(trained, "onnx");
 * assertEquals(file?.name, "model.onnx");
 * ```
 */
export async function exportModel(
  trained: TrainedModel,
  format: ExportFormat,
): Promise<ExportedFile[]> {
  const model = exportable(trained);
  switch (format) {
    case "tfjs": {
      const { toTfjs } = await import("./tfjs.ts");
      return await toTfjs(model);
    }
    case "onnx": {
      const { toOnnx } = await import("./onnx/onnx.ts");
      return [{ name: "model.onnx", bytes: toOnnx(model) }];
    }
    case "keras": {
      const { toKeras } = await import("./keras.ts");
      return toKeras(model);
    }
    default:
      throw new RangeError(
        `Cannot export the model: expected one of ${EXPORT_FORMATS.join(", ")}, got ${
          JSON.stringify(format)
        }${didYouMean(format, EXPORT_FORMATS)}`,
      );
  }
}

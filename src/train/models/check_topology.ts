import { checkLayerCount } from "./model_limits.ts";
import { isRecord } from "../../base/json.ts";
import { field } from "./keras_config.ts";

/** Returns the model without the object that Keras or tfjs may have wrapped around it. */
export function unwrapTopology(topology: Record<string, unknown>): Record<string, unknown> {
  for (const wrapper of ["modelTopology", "modelConfig"]) {
    const inner = field(topology, wrapper);
    if (isRecord(inner)) topology = inner;
  }
  return topology;
}

/**
 * Checks the topology of a model.
 *
 * @throws {TypeError} If it is no object, or is in the format of Keras 3, which no engine reads.
 * @throws {RangeError} If it has too many layers.
 */
export function checkTopology(topology: unknown): void {
  if (!isRecord(topology)) {
    throw new TypeError(
      `Cannot read the model: expected its topology to be an object, got ${
        JSON.stringify(topology)?.slice(0, 80) ?? "none"
      }`,
    );
  }
  checkLayerCount(topology);
  const config = field(unwrapTopology(topology), "config");
  const layers = isRecord(config) ? field(config, "layers") : config;
  if (!Array.isArray(layers) || !layers.some(isOfKeras3)) return;
  throw new TypeError(
    "Cannot read the model: expected the JSON of Keras 2, got that of Keras 3; build it with the package tf_keras and take its to_json()",
  );
}

function isOfKeras3(layer: unknown): boolean {
  const config = isRecord(layer) ? field(layer, "config") : undefined;
  if (!isRecord(config)) return false;
  const dtype = field(config, "dtype");
  return field(config, "batchShape") !== undefined ||
    isRecord(dtype) && field(dtype, "className") === "DTypePolicy";
}

import { isRecord } from "../../base/json.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import type { ModelDescription } from "../handler.ts";
import { classesOf } from "../losses/loss.ts";
import { LOSSES } from "../losses/losses.ts";
import { unwrapTopology } from "./check_topology.ts";
import { field } from "./keras_config.ts";

/** Returns the number of units of the last layer, where its description says it. */
function lastUnits({ format, topology }: ModelDescription): number | undefined {
  if (format === "text-encoder") {
    return typeof topology.units === "number" ? topology.units : undefined;
  }
  const config = field(unwrapTopology(topology), "config");
  const layers = isRecord(config) ? field(config, "layers") : config;
  const withUnits = Array.isArray(layers)
    ? layers.map((layer) => isRecord(layer) ? field(layer, "config") : undefined).filter(isRecord)
      .map((layer) => field(layer, "units")).filter((units) => typeof units === "number")
    : [];
  return withUnits.at(-1);
}

/**
 * Checks that there is one class weight for each class of the model, as far as its description
 * says how many there are. Clients check it in any case.
 *
 * @throws {RangeError} If there is not.
 */
export function checkClassWeights(
  { classWeights }: Pick<TrainSettings, "classWeights">,
  model: ModelDescription | undefined,
  problem: string,
): void {
  if (!classWeights || !model) return;
  const loss = LOSSES[model.loss], units = lastUnits(model);
  const classes = units === undefined ? undefined : classesOf(loss, units);
  if (classes === undefined || classes === classWeights.length) return;
  throw new RangeError(
    `${problem}: expected class weights for ${classes} classes, got ${classWeights.length}`,
  );
}

import { isRecord } from "../../base/json.ts";
import type { Manifest } from "../../params/manifest.ts";
import type { ModelDescription } from "../handler.ts";
import { unwrapTopology } from "./check_topology.ts";
import { field } from "./keras_config.ts";

/**
 * Finds the places of the parameters of frozen layers: those with `trainable` false in the model's
 * description, and layers inside of them; of an encoder of texts, the matrices that stay as they
 * are. Without a description there are none.
 */
export function frozenSpans(
  { tensors }: Manifest,
  model: ModelDescription | undefined,
): (readonly [from: number, to: number])[] {
  if (!model) return [];
  const ofEncoder = model.format === "text-encoder";
  const names = new Set(ofEncoder ? [] : frozenLayers(unwrapTopology(model.topology), false));
  return tensors
    .filter(({ name, trainable }) =>
      !trainable && (ofEncoder || names.has(name.split("/", 1)[0] ?? ""))
    )
    .map(({ offset, length }) => [offset, offset + length]);
}

/** Lists the names of the frozen layers in a layer's description, and in those inside of it. */
function* frozenLayers(layer: Record<string, unknown>, isInside: boolean): Iterable<string> {
  const config = field(layer, "config");
  const inner = isRecord(config) ? config : {};
  const isFrozen = isInside || inner.trainable === false;
  const name = inner.name ?? layer.name;
  if (isFrozen && typeof name === "string") yield name;
  const layers = Array.isArray(config) ? config : inner.layers;
  const children: unknown[] = Array.isArray(layers) ? layers : [];
  for (const child of [...children, inner.layer]) {
    if (isRecord(child)) yield* frozenLayers(child, isFrozen);
  }
}

/**
 * Base with its adapters merged into it.
 *
 * @module
 */

import { bytesOf } from "../../base/bytes.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { ModelDescription } from "../../train/handler.ts";
import { adaptersOf, encoderManifest } from "../../train/models/encoder/initial.ts";
import type { FrozenBase } from "../base/frozen_base.ts";
import type { BaseFacts } from "../base/reference.ts";
import { writeTensors } from "../base/write_tensors.ts";
import { encoderModelOf } from "./model_of.ts";
import { denseName } from "./names.ts";

/** Adapter that is merged: `a` `[rank, inputs]` and `b` `[outputs, rank]`. */
interface Merged {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly inputs: number;
  readonly outputs: number;
}

/**
 * Writes a base whose dense layers have their adapters added, `W + alpha / rank * B A`, as a
 * safetensors file of 32-bit floats with the names of the base. It needs no adapters, and is a base
 * of its own. The head is not in it.
 *
 * @throws {RangeError} If the model is of another base, or the parameters do not fit it.
 */
export async function writeMerged(
  path: string,
  base: FrozenBase,
  description: ModelDescription,
  parameters: ParameterVector,
): Promise<BaseFacts> {
  const model = encoderModelOf(description);
  if (model.base.sha256 !== base.reference.sha256) {
    throw new RangeError(
      `Cannot merge the adapters: they are of the base ${model.base.sha256}, got ${base.reference.sha256}`,
    );
  }
  const manifest = encoderManifest(model), views = manifest.views(parameters);
  const viewOf = (name: string) =>
    views[manifest.tensors.findIndex((tensor) => tensor.name === name)] ?? new Float32Array();
  const { rank = 1, alpha = 1 } = model.adapters ?? {};
  const prefix = base.shapes.has("embeddings.word_embeddings.weight") ? "" : "bert.";
  const merged = new Map<string, Merged>(
    adaptersOf(model).map(({ layer, target, inputs, outputs }) => {
      const name = `l${layer}/${target}/lora_`;
      const sum = { a: viewOf(`${name}A`), b: viewOf(`${name}B`), inputs, outputs };
      return [`${prefix}${denseName(layer, target)}.weight`, sum] as const;
    }),
  );
  const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
  return await writeTensors(
    path,
    [...base.shapes].map(([name, shape]) => ({
      name,
      dtype: "F32",
      shape,
      byteLength: 4 * sizeOf(shape),
    })),
    contents(),
  );

  async function* contents() {
    for (const [name, shape] of base.shapes) {
      const values = new Float32Array(sizeOf(shape)), adapter = merged.get(name);
      await base.read(name, values);
      if (adapter) addAdapter(values, adapter, rank, alpha / rank);
      yield bytesOf(values);
    }
  }
}

/** Adds `scale * B A` to a weight `[outputs, inputs]`. */
function addAdapter(
  weight: Float32Array,
  { a, b, inputs, outputs }: Merged,
  rank: number,
  scale: number,
): void {
  for (let row = 0; row < outputs; row++) {
    for (let column = 0; column < inputs; column++) {
      let sum = 0;
      for (let k = 0; k < rank; k++) {
        sum += (b[row * rank + k] ?? 0) * (a[k * inputs + column] ?? 0);
      }
      const at = row * inputs + column;
      weight[at] = (weight[at] ?? 0) + scale * sum;
    }
  }
}

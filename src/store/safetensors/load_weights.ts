/**
 * Loading of weights by the names of their tensors.
 *
 * @module
 */

import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import type { TensorEntry } from "./entries.ts";
import { readTensorList } from "./file.ts";
import { readFloats, skipTensor } from "./floats.ts";
import { listed, matchNames } from "./match_names.ts";
import type { FoundWeight, WeightNames } from "./names.ts";
import { rearrange } from "./rearrange.ts";
import { type SafetensorsSource, withSource } from "./source.ts";

/** Options of {@linkcode loadWeights}. */
export interface LoadWeightsOptions {
  /** Names in the file with the names in the model. Default: the names are the same. */
  names?: WeightNames;
  /**
   * Vector from which tensors are taken that the file lacks. Default: such a tensor is an error.
   */
  initial?: ParameterVector;
}

/** Result of {@linkcode loadWeights}. */
export interface LoadedWeights {
  /** Parameters of the model. */
  readonly parameters: ParameterVector;
  /** Names of the model's tensors that the file lacks. */
  readonly missing: readonly string[];
  /** Names of the file's tensors that the model lacks. */
  readonly leftOver: readonly string[];
  /** Metadata of the file. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Loads the weights of a model from a safetensors file by the names of the tensors; their order
 * does not matter. Floats of 16 and 64 bits are converted to 32 bits.
 *
 * Names of Keras (`dense/kernel:0`, `model/dense/kernel`) and PyTorch (`fc.weight`,
 * `bn.running_var`) are known where the names of the layers are the same; PyTorch's kernels are
 * transposed:
 * `[out, in]` to `[in, out]`, `[out, in, height, width]` to `[height, width, in, out]`.
 *
 * @param source Path, file URL or bytes of the file.
 * @param manifest Layout of the model's parameters.
 * @throws {SyntaxError} If it is no whole safetensors file, or its names do not fit the model.
 * @throws {TypeError} If a tensor that is loaded is not of floats.
 * @throws {RangeError} If a shape differs or a value is not finite.
 *
 * @example A model of another order and other names
 * ```ts
 * import { Manifest, writeSafetensors } from "@fedlab/core";
 * import { loadWeights } from "@fedlab/core/store";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * await writeSafetensors(path, {
 *   manifest: Manifest.of([{ name: "fc.bias", shape: [2] }, { name: "fc.weight", shape: [2, 1] }]),
 *   parameters: Float32Array.of(5, 6, 1, 2),
 * });
 * const manifest = Manifest.of([
 *   { name: "logits/kernel", shape: [1, 2] },
 *   { name: "logits/bias", shape: [2] },
 * ]);
 * const { parameters } = await loadWeights(path, manifest, { names: { fc: "logits" } });
 * assertEquals([...parameters], [1, 2, 5, 6]);
 * await Deno.remove(path);
 * ```
 */
export async function loadWeights(
  source: SafetensorsSource,
  manifest: Manifest,
  { names = {}, initial }: LoadWeightsOptions = {},
): Promise<LoadedWeights> {
  if (initial) manifest.check(initial);
  return await withSource(source, async (file) => {
    const { entries, metadata } = await readTensorList(file);
    const { found, leftOver } = matchNames(entries, manifest, names);
    const taken = new Set([...found.values()].map(({ tensor }) => tensor));
    const missing = manifest.tensors.filter((tensor) => !taken.has(tensor))
      .map(({ name }) => name);
    if (taken.size === 0 || missing.length > 0 && initial === undefined) {
      throw new SyntaxError(
        `expected ${listed(missing)}, which the file lacks; it has ${
          listed(leftOver.length > 0 ? leftOver : entries.map(({ name }) => name))
        }${leftOver.length > 0 ? " beside those of the model" : ""}`,
      );
    }
    const parameters = initial?.slice() ?? new Float32Array(manifest.length);
    const views = manifest.views(parameters);
    for (const entry of entries) {
      const weight = found.get(entry);
      const view = weight && views[manifest.tensors.indexOf(weight.tensor)];
      if (weight && view) await load(entry, weight, view);
      else await skipTensor(file, entry);
    }
    return { parameters, missing, leftOver, metadata };

    async function load(
      entry: TensorEntry,
      { tensor, reshape, transpose }: FoundWeight,
      to: Float32Array<ArrayBuffer>,
    ): Promise<void> {
      const where = nameBoth(entry.name, tensor.name);
      const place = rearrange({ from: entry.shape, reshape, transpose, to: tensor.shape }, where);
      const read = new Float32Array(entry.length);
      await readFloats(file, entry, read);
      const wrong = read.find((value) => !Number.isFinite(value));
      if (wrong !== undefined) {
        throw new RangeError(`expected finite values in ${where}, got ${wrong}`);
      }
      place(read, to);
    }
  }, "Cannot load weights from");
}

function nameBoth(theirs: string, ours: string): string {
  return theirs === ours
    ? `tensor ${JSON.stringify(ours)}`
    : `tensor ${JSON.stringify(theirs)} for ${JSON.stringify(ours)}`;
}

/**
 * Models in safetensors files, as Python's `safetensors` and other libraries read them.
 *
 * @module
 */

import { bytesOf } from "../../base/bytes.ts";
import { pathOfUrl } from "../../base/files/path.ts";
import { replaceFile } from "../../base/files/whole_file.ts";
import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import { readTensorList, writeAll } from "./file.ts";
import { readFloats } from "./floats.ts";
import { encodeSafetensorsHeader, layOutEntries } from "./header.ts";
import { type SafetensorsSource, withSource } from "./source.ts";

/** Model that was read from a file. */
export interface StoredModel {
  /** Layout of the vector. */
  readonly manifest: Manifest;
  /** Parameters of the model. */
  readonly parameters: ParameterVector;
  /** Metadata of the file. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Options of {@linkcode writeSafetensors}. */
export interface WriteSafetensorsOptions {
  /**
   * Permissions of a new file, such as `0o600` for its owner alone. A file that is replaced keeps
   * its own.
   *
   * @default The permissions that the system gives.
   */
  mode?: number;
}

/**
 * Writes a model to a file, in pieces, without a copy of the parameters. The file is whole at any
 * time: where that is permitted, a temporary file is written beside it and renamed.
 *
 * @throws {RangeError} If the vector does not fit the manifest, a tensor has the name
 * `__metadata__`, or the header is larger than 100 MB.
 *
 * @example A model of two tensors
 * ```ts
 * import { Manifest, writeSafetensors } from "@fedlab/core";
 *
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * await writeSafetensors(path, {
 *   manifest: Manifest.of([{ name: "weights", shape: [2, 3] }, { name: "bias", shape: [3] }]),
 *   parameters: new Float32Array(9),
 *   metadata: { rounds: "10" },
 * });
 * await Deno.remove(path);
 * ```
 */
export async function writeSafetensors(
  path: string | URL,
  model: {
    manifest: Manifest;
    parameters: ParameterVector;
    metadata?: Readonly<Record<string, string>>;
  },
  options: WriteSafetensorsOptions = {},
): Promise<void> {
  const { manifest, parameters, metadata } = model;
  manifest.check(parameters);
  const header = encodeSafetensorsHeader(manifest, metadata);
  await replaceFile(path instanceof URL ? pathOfUrl(path) : path, async (file) => {
    await writeAll(file, header);
    await writeAll(file, bytesOf(parameters));
  }, options);
}

/**
 * Reads a model from a file whose tensors are floats of 16, 32 or 64 bits (`F16`, `BF16`, `F32`,
 * `F64`), which are converted to 32 bits. The order is that of the data in the file; `loadWeights`
 * reads tensors by name.
 *
 * @throws {SyntaxError} If it is no whole safetensors file. The message names the file.
 * @throws {TypeError} If a tensor is of another type.
 * @throws {RangeError} If a finite value is too large for a 32-bit float.
 *
 * @example Accuracy of a trained model
 * ```ts
 * import { loadDataset, mlp, readSafetensors, writeSafetensors } from "@fedlab/core";
 * import { initialParameters, modelEvaluator } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const { train, test = train } = await loadDataset("digits");
 * const model = mlp({ inputShape: test.shape, numClasses: test.numClasses });
 * // In place of the model.safetensors of a run, whose model.json is the model.
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * await writeSafetensors(path, await initialParameters(model, 1));
 *
 * const { manifest, parameters } = await readSafetensors(path);
 * await using evaluator = await modelEvaluator(model, test);
 * const { numSamples, accuracy = 0 } = await evaluator.evaluate(parameters);
 * console.log(`${manifest.length} values, accuracy ${accuracy} on ${numSamples} samples`);
 * assertEquals(numSamples, 297);
 * await Deno.remove(path);
 * ```
 */
export async function readSafetensors(source: SafetensorsSource): Promise<StoredModel> {
  return await withSource(source, async (file) => {
    const list = await readTensorList(file);
    const { manifest, metadata } = layOutEntries(list);
    const parameters = new Float32Array(manifest.length);
    const views = manifest.views(parameters);
    for (const [i, entry] of list.entries.entries()) {
      await readFloats(file, entry, views[i] ?? new Float32Array());
    }
    return { manifest, parameters, metadata };
  });
}

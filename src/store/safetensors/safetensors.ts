/**
 * Models as safetensors files, which Python's `safetensors` and others open.
 *
 * @module
 */

import { bytesOf } from "../../base/bytes.ts";
import { pathOfUrl } from "../../base/files/path.ts";
import { replaceFile } from "../../base/files/whole_file.ts";
import { errorMessage } from "../../base/errors.ts";
import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import { readHeader, readVector, writeAll } from "./file.ts";
import { encodeSafetensorsHeader } from "./header.ts";

/** A model read from a file. */
export interface StoredModel {
  /** What the vector holds. */
  readonly manifest: Manifest;
  /** The vector. */
  readonly parameters: ParameterVector;
  /** The file's metadata. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** How a model's file is written. */
export interface WriteSafetensorsOptions {
  /**
   * Permissions of a file that is new, such as `0o600` for its owner alone; one that is replaced
   * keeps its own. Default: the system's.
   */
  mode?: number;
}

/**
 * Writes a vector to a file, in pieces: nothing as large as the model is made for it. The file is
 * whole at any time: the former one until the new one is on the disk, for which a temporary file is
 * made beside it where that is permitted.
 *
 * Throws a `RangeError` when the vector does not fit the manifest, and as {@linkcode encodeSafetensorsHeader} does.
 *
 * @example
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
 * Reads a file whose tensors are all float32.
 *
 * Throws a `SyntaxError` that names the file when it is not a whole safetensors file, and a `TypeError` for another element type.
 *
 * @example The accuracy of a trained model
 * ```ts
 * import { loadDataset, mlp, readSafetensors, writeSafetensors } from "@fedlab/core";
 * import { initialParameters, modelEvaluator } from "@fedlab/core/tfjs";
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
export async function readSafetensors(path: string | URL): Promise<StoredModel> {
  using file = await Deno.open(path);
  try {
    const { manifest, metadata } = await readHeader(file);
    return { manifest, parameters: await readVector(file, manifest.length), metadata };
  } catch (cause) {
    const Kind = cause instanceof TypeError ? TypeError : SyntaxError;
    throw new Kind(`Cannot read ${path}: ${errorMessage(cause)}`, { cause });
  }
}

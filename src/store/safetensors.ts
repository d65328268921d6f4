/**
 * Models as safetensors files, which Python's `safetensors` and others open.
 *
 * @module
 */

import { errorMessage } from "../errors.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import { bytesOf, readHeader, readVector, writeAll } from "./_safetensors_file.ts";
import { encodeSafetensorsHeader } from "./safetensors_header.ts";

/** A model read from a file. */
export interface StoredModel {
  /** What the vector holds. */
  readonly manifest: Manifest;
  /** The vector. */
  readonly parameters: ParameterVector;
  /** The file's metadata. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Writes a vector to a file, in pieces: nothing as large as the model is made for it.
 *
 * Throws a `RangeError` when the vector does not fit the manifest, and as {@linkcode encodeSafetensorsHeader} does.
 */
export async function writeSafetensors(
  path: string | URL,
  model: {
    manifest: Manifest;
    parameters: ParameterVector;
    metadata?: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const { manifest, parameters, metadata } = model;
  manifest.check(parameters);
  const header = encodeSafetensorsHeader(manifest, metadata);
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  await writeAll(file, header);
  await writeAll(file, bytesOf(parameters));
}

/**
 * Reads a file whose tensors are all float32.
 *
 * Throws a `SyntaxError` that names the file when it is not a whole safetensors file, and a `TypeError` for another element type.
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

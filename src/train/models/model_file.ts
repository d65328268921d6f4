/**
 * Files of models that say what their numbers mean.
 *
 * @module
 */

import { errorMessage } from "../../base/errors.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { fileError } from "../../data/file.ts";
import { parseSchema } from "../../data/schema/parse.ts";
import type { Schema } from "../../data/schema/schema.ts";
import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import {
  readSafetensors,
  type StoredModel,
  writeSafetensors,
  type WriteSafetensorsOptions,
} from "../../store/safetensors/safetensors.ts";
import type { ModelDescription } from "../handler.ts";
import { parseModelDescription } from "./model_description.ts";

/** Keys of a file's metadata. Their values are JSON. */
const SCHEMA_KEY = "fedlab.schema";
const MODEL_KEY = "fedlab.model";
/** Files of a run's folder. */
const VECTOR_FILE = "model.safetensors";
const MODEL_FILE = "model.json";
const SCHEMA_FILE = "schema.json";

/** Trained model with its description and the meaning of its inputs and outputs. */
export interface TrainedModel {
  /** Layout of the vector. */
  readonly manifest: Manifest;
  /** Parameters, `manifest.length` values. */
  readonly parameters: ParameterVector;
  /** Description of the model, where the file has one. */
  readonly model?: ModelDescription;
  /** Schema of the data that it was trained on, where the file has one. */
  readonly schema?: Schema;
  /** Further metadata of the file. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Writes a model with its description and schema to a safetensors file, whose metadata have them as
 * JSON under `fedlab.model` and `fedlab.schema`.
 *
 * @throws {RangeError} If the vector does not fit the manifest, or the header with the schema is
 * larger than 100 MB.
 *
 * @example A model that says what it predicts
 * ```ts
 * import { initialParameters, logisticRegression } from "@fedlab/core";
 * import type { Schema } from "@fedlab/core/data";
 * import { readModel, writeModel } from "@fedlab/core/train";
 * import { assertEquals } from "@std/assert";
 *
 * const schema: Schema = {
 *   format: "fedlab.schema/1",
 *   inputs: [{ name: "age", kind: "number", unit: "years" }],
 *   target: { name: "ill", task: "classification", classes: ["no", "yes"] },
 * };
 * const model = logisticRegression({ inputShape: [1], numClasses: 2 });
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * await writeModel(path, { ...await initialParameters(model, 1), model, schema });
 *
 * assertEquals((await readModel(path)).schema, schema);
 * await Deno.remove(path);
 * ```
 */
export async function writeModel(
  path: string | URL,
  { manifest, parameters, model, schema, metadata = {} }: Omit<TrainedModel, "metadata"> & {
    readonly metadata?: Readonly<Record<string, string>>;
  },
  options: WriteSafetensorsOptions = {},
): Promise<void> {
  await writeSafetensors(path, {
    manifest,
    parameters,
    metadata: {
      ...metadata,
      ...(model && { [MODEL_KEY]: JSON.stringify(model) }),
      ...(schema && { [SCHEMA_KEY]: JSON.stringify(schema) }),
    },
  }, options);
}

/**
 * Reads a model from a safetensors file, or from the folder of a run. What the metadata of a
 * folder's `model.safetensors` lack is read from its `model.json` and `schema.json`.
 *
 * @throws {SyntaxError} If it is no whole safetensors file, or description or schema are no JSON.
 * @throws {TypeError} If a tensor is not of type float32, or description or schema cannot be read.
 * The message names the file.
 */
export async function readModel(path: string | URL): Promise<TrainedModel> {
  const { isDirectory } = await runtime.files.stat(path).catch((error) => {
    throw fileError(error, `${path}`);
  });
  if (!isDirectory) return interpretModel(await readSafetensors(path), `${path}`);
  const inFolder = (name: string) =>
    path instanceof URL ? new URL(name, `${path}`.replace(/\/?$/, "/")) : `${path}/${name}`;
  const file = inFolder(VECTOR_FILE);
  if (!await runtime.files.stat(file).then(({ isFile }) => isFile, () => false)) {
    throw new runtime.errors.NotFound(
      `Cannot read ${path}: expected the folder of a run that has ended, with ${VECTOR_FILE} in it`,
    );
  }
  const trained = interpretModel(await readSafetensors(file), `${file}`);
  const modelFile = inFolder(MODEL_FILE), schemaFile = inFolder(SCHEMA_FILE);
  const model = trained.model ??
    read(await textOf(modelFile), parseModelDescription, `${modelFile}`);
  const schema = trained.schema ?? read(await textOf(schemaFile), parseSchema, `${schemaFile}`);
  return { ...trained, ...(model && { model }), ...(schema && { schema }) };
}

/**
 * Takes description and schema from the metadata of a model.
 *
 * @param name Name of the file, for messages.
 * @throws {SyntaxError} If they are no JSON.
 * @throws {TypeError} If they cannot be read.
 */
export function interpretModel(
  { manifest, parameters, metadata: all }: StoredModel,
  name: string,
): TrainedModel {
  const { [MODEL_KEY]: modelText, [SCHEMA_KEY]: schemaText, ...metadata } = all;
  const model = read(modelText, parseModelDescription, name);
  const schema = read(schemaText, parseSchema, name);
  return { manifest, parameters, ...(model && { model }), ...(schema && { schema }), metadata };
}

/** Reads a value from JSON; gives `undefined` where there is no text. */
function read<T>(
  text: string | undefined,
  parse: (value: unknown) => T,
  name: string,
): T | undefined {
  if (text === undefined) return undefined;
  try {
    return parse(JSON.parse(text));
  } catch (cause) {
    const Kind = cause instanceof SyntaxError ? SyntaxError : TypeError;
    throw new Kind(`Cannot read ${name}: ${errorMessage(cause)}`, { cause });
  }
}

/** Reads a file as text; gives `undefined` where there is none. */
async function textOf(path: string | URL): Promise<string | undefined> {
  try {
    return await runtime.files.readTextFile(path);
  } catch (error) {
    if (error instanceof runtime.errors.NotFound) return undefined;
    throw error;
  }
}

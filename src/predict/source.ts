/**
 * Files of a trained model: a run's folder, a file, a URL, or their contents.
 *
 * @module
 */

import { errorMessage } from "../base/errors.ts";
import { parseSchema } from "../data/schema/parse.ts";
import { readSafetensors } from "../store/safetensors/safetensors.ts";
import { interpretModel, readModel, type TrainedModel } from "../train/models/model_file.ts";
import { parseModelDescription } from "../train/models/model_description.ts";

/** Contents of the files of a model. */
export interface ModelFiles {
  /** Content of `model.safetensors`. */
  readonly weights: Uint8Array<ArrayBuffer> | Blob;
  /** Content of `model.json`, as a value or as text. Default: the metadata of the weights. */
  readonly model?: unknown;
  /** Content of `schema.json`, as a value or as text. Default: the metadata of the weights. */
  readonly schema?: unknown;
}

/**
 * Source of a model: the path of a run's folder or of a safetensors file, the URL of either, or the
 * contents of the files.
 */
export type ModelSource = string | URL | ModelFiles;

/**
 * Reads a trained model.
 *
 * @throws {SyntaxError | TypeError | RangeError} If a file cannot be read. The message names it.
 */
export async function readSource(
  source: ModelSource,
  signal?: AbortSignal,
): Promise<TrainedModel> {
  if (typeof source !== "string" && !(source instanceof URL)) {
    return await readFiles(source, "the model");
  }
  if (/^https?:/.test(`${source}`)) return await readUrl(new URL(source), signal);
  return await readModel(/^file:/.test(`${source}`) ? new URL(source) : source);
}

async function readFiles(
  { weights, model: ofModel, schema: ofSchema }: ModelFiles,
  name: string,
): Promise<TrainedModel> {
  const bytes = weights instanceof Blob ? new Uint8Array(await weights.arrayBuffer()) : weights;
  const trained = interpretModel(await readSafetensors(bytes), name);
  const model = ofModel === undefined ? trained.model : read(ofModel, parseModelDescription, name);
  const schema = ofSchema === undefined ? trained.schema : read(ofSchema, parseSchema, name);
  return { ...trained, ...(model && { model }), ...(schema && { schema }) };
}

function read<T>(given: unknown, parse: (value: unknown) => T, name: string): T {
  try {
    return parse(typeof given === "string" ? JSON.parse(given) : given);
  } catch (cause) {
    const Kind = cause instanceof SyntaxError ? SyntaxError : TypeError;
    throw new Kind(`Cannot read ${name}: ${errorMessage(cause)}`, { cause });
  }
}

/** Fetches a file, or the files of a run's folder. */
async function readUrl(url: URL, signal?: AbortSignal): Promise<TrainedModel> {
  if (url.pathname.endsWith(".safetensors")) {
    return await readFiles({ weights: await needed(url, signal) }, `${url}`);
  }
  const folder = new URL(url);
  folder.pathname = folder.pathname.replace(/\/?$/, "/");
  const weights = await needed(within(folder, "model.safetensors"), signal);
  const own = await readFiles({ weights }, `${folder}`);
  const text = async (isKnown: boolean, name: string) => {
    if (isKnown) return undefined;
    const bytes = await fetched(within(folder, name), signal);
    return bytes && new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  };
  return await readFiles({
    weights,
    model: await text(own.model !== undefined, "model.json"),
    schema: await text(own.schema !== undefined, "schema.json"),
  }, `${folder}`);
}

/** Returns the URL of a file in a folder, with the query of the folder's URL. */
function within(folder: URL, name: string): URL {
  const url = new URL(folder);
  url.pathname += name;
  return url;
}

async function needed(url: URL, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await fetched(url, signal);
  if (bytes) return bytes;
  throw new Error(`Cannot read ${url}: there is no such file`);
}

/** Fetches the bytes of a file; gives `undefined` where there is none. */
async function fetched(
  url: URL,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const response = await fetch(url, signal ? { signal } : {});
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    throw new Error(`the server answers ${response.status} ${response.statusText}`.trimEnd());
  } catch (cause) {
    signal?.throwIfAborted();
    throw new Error(`Cannot read ${url}: ${errorMessage(cause)}`, { cause });
  }
}

/**
 * Reader of adapters in the files of Hugging Face's PEFT.
 *
 * @module
 */

import { isInRange } from "../../base/check.ts";
import { errorMessage } from "../../base/errors.ts";
import { isRecord } from "../../base/json.ts";
import { fileError, joinPath, readBytes } from "../../data/file.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { ModelDescription } from "../../train/handler.ts";
import { readSafetensors, type StoredModel } from "../../store/safetensors/safetensors.ts";
import { ADAPTER_TARGETS, type Adapters } from "../../train/models/encoder/encoder_model.ts";
import { encoderManifest } from "../../train/models/encoder/initial.ts";
import { encoderModelOf } from "./model_of.ts";
import { parsePeftName } from "./names.ts";
import { HEAD_NAMES, PEFT_FILES, transposed } from "./write_peft.ts";

/** Most bytes of a file. */
const MOST_BYTES = 2 ** 30;

/** Fields of a configuration that change what adapters do, with the values that are read. */
const PLAIN: Readonly<Record<string, readonly unknown[]>> = {
  bias: ["none"],
  fan_in_fan_out: [false],
  use_dora: [false],
  lora_bias: [false],
  modules_to_save: [null],
  rank_pattern: [{}],
  alpha_pattern: [{}],
};

/** Adapters and head that were read. */
export interface PeftModel {
  /** Adapters, where there are some; training changes both matrices. */
  readonly adapters?: Adapters;
  /** Number of outputs of the head, where there is one. */
  readonly units?: number;
  /** Names of the classes, where the file of the head has them. */
  readonly classes?: readonly string[];
  /**
   * Returns the parameters of a model with these adapters and this head.
   *
   * @throws {TypeError} If the model is none on a pretrained encoder.
   * @throws {RangeError} If its adapters or its head differ from those of the files.
   */
  parametersOf(model: ModelDescription): ParameterVector;
}

/**
 * Reads the files of a folder, as PEFT's `save_pretrained` and {@linkcode writePeft} write them.
 *
 * @throws {Deno.errors.NotFound} If there is neither an adapter nor a head.
 * @throws {SyntaxError} If a file is malformed.
 * @throws {RangeError} If it is of a kind of adapters that is not trained here; the message names
 * the field.
 */
export async function readPeft(folder: string): Promise<PeftModel> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const name of Object.values(PEFT_FILES)) {
    try {
      files.set(name, await readBytes(joinPath(folder, name), { most: MOST_BYTES }));
    } catch (error) {
      if (!(error instanceof runtime.errors.NotFound)) throw error;
    }
  }
  if (files.size === 0) {
    throw fileError(new runtime.errors.NotFound("no file"), joinPath(folder, PEFT_FILES.config));
  }
  return await decodePeft(files);
}

/**
 * Reads files by name, as {@linkcode readPeft} reads those of a folder.
 *
 * @throws {SyntaxError} If a file is malformed, or one of the two of adapters is missing.
 * @throws {RangeError} As `readPeft()` rejects.
 */
export async function decodePeft(
  files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
): Promise<PeftModel> {
  const tensors = new Map<string, { shape: readonly number[]; values: Float32Array }>();
  const config = files.get(PEFT_FILES.config), weights = files.get(PEFT_FILES.adapters);
  let adapters: Adapters | undefined;
  if (config || weights) {
    if (!config || !weights) {
      throw new SyntaxError(
        `Cannot read the adapters: expected ${PEFT_FILES.config} and ${PEFT_FILES.adapters}`,
      );
    }
    adapters = adaptersIn(parseConfig(config), await readSafetensors(weights), tensors);
  }
  const head = files.get(PEFT_FILES.head);
  const stored = head && await readSafetensors(head);
  const units = stored && readHead(stored, tensors);
  const classes = stored && classesOf(stored.metadata, units ?? 0);
  return {
    ...(adapters && { adapters }),
    ...(units !== undefined && { units }),
    ...(classes && { classes }),
    parametersOf(description) {
      const model = encoderModelOf(description);
      const manifest = encoderManifest(model), parameters = new Float32Array(manifest.length);
      checkScale(model.adapters, adapters);
      const views = manifest.views(parameters);
      const left = new Set(tensors.keys());
      for (const [i, { name, shape }] of manifest.tensors.entries()) {
        const found = tensors.get(name);
        // A file without a head begins with one of zeros.
        if (!found && head === undefined && name.startsWith("head/")) continue;
        if (found?.shape.join() !== shape.join()) {
          throw new RangeError(
            `Cannot use the adapters: expected ${name} of shape [${shape.join(", ")}], got ${
              found ? `[${found.shape.join(", ")}]` : "none"
            }`,
          );
        }
        views[i]?.set(found.values);
        left.delete(name);
      }
      const [other] = left;
      if (other !== undefined) {
        throw new RangeError(`Cannot use the adapters: the model has no ${other}`);
      }
      return parameters;
    },
  };
}

function checkScale(own: Adapters | undefined, read: Adapters | undefined): void {
  if (!own || !read || own.rank === read.rank && own.alpha === read.alpha) return;
  throw new RangeError(
    `Cannot use the adapters: expected the rank ${own.rank} and alpha ${own.alpha}, got ${read.rank} and ${read.alpha}`,
  );
}

function parseConfig(bytes: Uint8Array): { readonly rank: number; readonly alpha: number } {
  const where = `Cannot read ${PEFT_FILES.config}`;
  let config: unknown;
  try {
    config = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new SyntaxError(`${where}: expected JSON: ${errorMessage(cause)}`, { cause });
  }
  if (!isRecord(config)) throw new SyntaxError(`${where}: expected an object`);
  const { peft_type: type, r: rank, lora_alpha: alpha, use_rslora: isRoot } = config;
  const refuse = (field: string, expected: string) => {
    throw new RangeError(
      `${where}: expected ${field} to be ${expected}, got ${JSON.stringify(config[field])}`,
    );
  };
  if (type !== "LORA") refuse("peft_type", '"LORA"');
  for (const [field, values] of Object.entries(PLAIN)) {
    const value = JSON.stringify(config[field] ?? null);
    if (value === "null" || values.some((plain) => JSON.stringify(plain) === value)) continue;
    refuse(field, values.map((plain) => JSON.stringify(plain)).join(" or "));
  }
  const isRank = isInRange(rank, { whole: true, least: 1 });
  if (!isRank) return refuse("r", "a whole number from 1") ?? { rank: 0, alpha: 0 };
  const isAlpha = isInRange(alpha, { above: 0 });
  if (!isAlpha) return refuse("lora_alpha", "a number above 0") ?? { rank: 0, alpha: 0 };
  // Rank-stabilized: the scale is alpha / sqrt(r).
  return { rank, alpha: isRoot === true ? alpha * Math.sqrt(rank) : alpha };
}

function adaptersIn(
  { rank, alpha }: { readonly rank: number; readonly alpha: number },
  { manifest, parameters }: StoredModel,
  tensors: Map<string, { shape: readonly number[]; values: Float32Array }>,
): Adapters {
  const where = `Cannot read ${PEFT_FILES.adapters}`;
  const layers = new Set<number>(), targets = new Set<string>();
  for (const { name, shape, offset, length } of manifest.tensors) {
    const place = parsePeftName(name);
    if (place === undefined) {
      throw new RangeError(
        `${where}: expected adapters of dense layers of BERT, got ${JSON.stringify(name)}`,
      );
    }
    const { layer, target, matrix } = place;
    if (shape.length !== 2 || shape[matrix === "A" ? 0 : 1] !== rank) {
      throw new RangeError(
        `${where}: expected ${JSON.stringify(name)} of rank ${rank}, got the shape [${
          shape.join(", ")
        }]`,
      );
    }
    layers.add(layer);
    targets.add(target);
    tensors.set(`l${layer}/${target}/lora_${matrix}`, {
      shape,
      values: parameters.subarray(offset, offset + length),
    });
  }
  if (tensors.size !== 2 * layers.size * targets.size || tensors.size === 0) {
    throw new RangeError(`${where}: expected the same dense layers in each layer with adapters`);
  }
  return {
    rank,
    alpha,
    targets: ADAPTER_TARGETS.filter((target) => targets.has(target)),
    layers: [...layers].sort((a, b) => a - b),
    train: "AB",
  };
}

function readHead(
  { manifest, parameters }: StoredModel,
  tensors: Map<string, { shape: readonly number[]; values: Float32Array }>,
): number {
  const views = manifest.views(parameters);
  const find = (wanted: string) => {
    const place = manifest.tensors.findIndex(({ name }) => name === wanted);
    return { shape: manifest.tensors[place]?.shape ?? [], values: views[place] };
  };
  const kernel = find(HEAD_NAMES.kernel), bias = find(HEAD_NAMES.bias);
  const [units = 0, width = 0] = kernel.shape;
  if (
    !kernel.values || !bias.values || kernel.shape.length !== 2 || bias.shape.join() !== `${units}`
  ) {
    throw new SyntaxError(
      `Cannot read ${PEFT_FILES.head}: expected a weight of shape [units, width] and a bias of shape [units]`,
    );
  }
  tensors.set("head/kernel", {
    shape: [width, units],
    values: transposed(kernel.values, units, width),
  });
  tensors.set("head/bias", { shape: bias.shape, values: bias.values });
  return units;
}

/** Returns the names of the classes in the metadata of a head, if they are those of its outputs. */
function classesOf(
  metadata: Readonly<Record<string, string>>,
  units: number,
): readonly string[] | undefined {
  if (metadata.classes === undefined) return undefined;
  try {
    const names: unknown = JSON.parse(metadata.classes);
    const areNames = Array.isArray(names) && names.every((name) => typeof name === "string");
    if (areNames && names.length === units) return names;
  } catch { /* As for any other text. */ }
  throw new SyntaxError(
    `Cannot read ${PEFT_FILES.head}: expected classes to be a list of ${units} names`,
  );
}

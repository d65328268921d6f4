/**
 * Adapters in the files of Hugging Face's PEFT.
 *
 * @module
 */

import { bytesOf, concat } from "../../base/bytes.ts";
import { replaceFile } from "../../base/files/whole_file.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { joinPath } from "../../data/file.ts";
import { Manifest, type ParameterVector, type TensorDeclaration } from "../../params/manifest.ts";
import { encodeSafetensorsHeader } from "../../store/safetensors/header.ts";
import { writeAll } from "../../store/safetensors/file.ts";
import type { ModelDescription } from "../../train/handler.ts";
import type { Adapters } from "../../train/models/encoder/encoder_model.ts";
import { adaptersOf, encoderManifest } from "../../train/models/encoder/initial.ts";
import { encoderModelOf } from "./model_of.ts";
import { peftName, targetPattern } from "./names.ts";

/** Names of the files. */
export const PEFT_FILES = {
  config: "adapter_config.json",
  adapters: "adapter_model.safetensors",
  head: "head.safetensors",
} as const;

/** Names of the head's tensors, those of PyTorch's `Linear`. */
export const HEAD_NAMES = { kernel: "weight", bias: "bias" } as const;

/** Options of {@linkcode encodePeft} and {@linkcode writePeft}. */
export interface PeftOptions {
  /**
   * Name or path of the base for Python.
   *
   * @default None: Python's program loads the base itself.
   */
  readonly baseName?: string;
  /** Names of the classes, in the order of the outputs, for the file of the head. */
  readonly classes?: readonly string[];
}

/**
 * Encodes adapters and head as the files that PEFT reads, by name: `adapter_config.json` and
 * `adapter_model.safetensors`, and `head.safetensors` with the `weight` `[units, width]` and `bias`
 * of a PyTorch `Linear` for the pooled vector. The values are those of the parameters, bit for bit.
 * Without adapters, there is the head alone.
 *
 * @throws {TypeError} If the model is none on a pretrained encoder.
 * @throws {RangeError} If the parameters do not fit the model.
 */
export function encodePeft(
  description: ModelDescription,
  parameters: ParameterVector,
  { baseName, classes }: PeftOptions = {},
): Map<string, Uint8Array<ArrayBuffer>> {
  const model = encoderModelOf(description);
  const manifest = encoderManifest(model), views = manifest.views(parameters);
  const viewOf = (name: string) =>
    views[manifest.tensors.findIndex((tensor) => tensor.name === name)] ?? new Float32Array();
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const { adapters, units, encoder: { width } } = model;
  if (adapters) {
    const matrices = adaptersOf(model).flatMap(({ layer, target, inputs, outputs }) =>
      (["A", "B"] as const).map((matrix) => ({
        name: peftName({ layer, target, matrix }),
        shape: matrix === "A" ? [adapters.rank, inputs] : [outputs, adapters.rank],
        values: viewOf(`l${layer}/${target}/lora_${matrix}`),
      }))
    );
    const config = JSON.stringify(configOf(adapters, baseName), undefined, 2);
    files.set(PEFT_FILES.config, new TextEncoder().encode(`${config}\n`));
    files.set(PEFT_FILES.adapters, fileOf(matrices, {}));
  }
  const kernel = transposed(viewOf("head/kernel"), width, units);
  files.set(
    PEFT_FILES.head,
    fileOf([
      { name: HEAD_NAMES.kernel, shape: [units, width], values: kernel },
      { name: HEAD_NAMES.bias, shape: [units], values: viewOf("head/bias") },
    ], {
      base: model.base.sha256,
      pooling: model.pooling,
      ...(classes && { classes: JSON.stringify(classes) }),
    }),
  );
  return files;
}

/**
 * Writes the files of {@linkcode encodePeft} into a folder, which is made if it is missing.
 *
 * @throws {TypeError} If the model is none on a pretrained encoder.
 * @throws {RangeError} If the parameters do not fit the model.
 */
export async function writePeft(
  folder: string,
  description: ModelDescription,
  parameters: ParameterVector,
  options: PeftOptions = {},
): Promise<void> {
  const files = encodePeft(description, parameters, options);
  await runtime.files.mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) {
    await replaceFile(joinPath(folder, name), (file) => writeAll(file, bytes));
  }
}

interface Tensor extends TensorDeclaration {
  readonly values: Float32Array<ArrayBuffer>;
}

function fileOf(
  tensors: readonly Tensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const header = encodeSafetensorsHeader(
    Manifest.of(tensors.map(({ name, shape }) => ({ name, shape }))),
    { format: "pt", ...metadata },
  );
  return concat([header, ...tensors.map(({ values }) => bytesOf(values))]);
}

/** Returns the values of a matrix `[rows, columns]` with its axes exchanged. */
export function transposed(
  values: Float32Array,
  rows: number,
  columns: number,
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = values[row * columns + column] ?? NaN;
    }
  }
  return result;
}

/** Returns the configuration as PEFT's `LoraConfig` has it. */
function configOf({ rank, alpha, targets, layers }: Adapters, baseName: string | undefined) {
  return {
    peft_type: "LORA",
    task_type: "FEATURE_EXTRACTION",
    base_model_name_or_path: baseName ?? null,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: 0,
    target_modules: targetPattern(layers, targets),
    bias: "none",
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
    init_lora_weights: true,
    inference_mode: true,
    modules_to_save: null,
    rank_pattern: {},
    alpha_pattern: {},
  };
}

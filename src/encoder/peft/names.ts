import type { AdapterTarget } from "../../train/models/encoder/encoder_model.ts";

/** Paths of the dense layers in a layer of Hugging Face's BERT, by the target's name. */
const PATHS: Readonly<Record<AdapterTarget, string>> = {
  query: "attention.self.query",
  key: "attention.self.key",
  value: "attention.self.value",
  output: "attention.output.dense",
  ffn_in: "intermediate.dense",
  ffn_out: "output.dense",
};

/** Beginning of the names in a file of PEFT: its wrapper, then the wrapped model. */
const WRAPPER = "base_model.model.";
/** Name of a matrix of an adapter; the prefix `bert.` is that of models with a head. */
const NAME =
  /^base_model\.model\.(?:bert\.)?encoder\.layer\.(\d+)\.([a-z_.]+)\.lora_([AB])\.(?:default\.)?weight$/;

/** Matrix of an adapter. */
export interface AdapterMatrix {
  readonly layer: number;
  readonly target: AdapterTarget;
  readonly matrix: "A" | "B";
}

/** Returns the name of a dense layer in a file of Hugging Face's BERT. */
export function denseName(layer: number, target: AdapterTarget): string {
  return `encoder.layer.${layer}.${PATHS[target]}`;
}

/** Returns the name of a matrix in a file of PEFT. */
export function peftName({ layer, target, matrix }: AdapterMatrix): string {
  return `${WRAPPER}${denseName(layer, target)}.lora_${matrix}.weight`;
}

/** Reads a name in a file of PEFT; `undefined` for any that is no matrix of an adapter. */
export function parsePeftName(name: string): AdapterMatrix | undefined {
  const [, layer, path, matrix] = NAME.exec(name) ?? [];
  const target = Object.entries(PATHS).find(([, own]) => own === path)?.[0];
  if (target === undefined || (matrix !== "A" && matrix !== "B")) return undefined;
  return { layer: Number(layer), target: target as AdapterTarget, matrix };
}

/** Returns the regular expression by which PEFT finds the dense layers that have adapters. */
export function targetPattern(
  layers: readonly number[],
  targets: readonly AdapterTarget[],
): string {
  const paths = targets.map((target) => PATHS[target].replaceAll(".", "\\."));
  return `(?:.*\\.)?encoder\\.layer\\.(?:${layers.join("|")})\\.(?:${paths.join("|")})`;
}

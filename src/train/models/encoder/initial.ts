import { Random } from "../../../base/random.ts";
import {
  Manifest,
  type ParameterVector,
  type TensorDeclaration,
} from "../../../params/manifest.ts";
import type { Adapters, AdapterTarget, EncoderModel, EncoderShape } from "./encoder_model.ts";

/** Adapter of a dense layer. */
export interface AdapterOf {
  /** Layer of the encoder, from 0. */
  readonly layer: number;
  readonly target: AdapterTarget;
  /** Number of inputs and outputs of the dense layer. */
  readonly inputs: number;
  readonly outputs: number;
}

/** Lists the adapters of a model in the order of its parameters: by layer, then by target. */
export function adaptersOf({ adapters, encoder }: EncoderModel): AdapterOf[] {
  return (adapters?.layers ?? []).flatMap((layer) =>
    (adapters?.targets ?? []).map((target) => ({ layer, target, ...sizesOf(target, encoder) }))
  );
}

function sizesOf(
  target: AdapterTarget,
  { width, inner }: EncoderShape,
): { readonly inputs: number; readonly outputs: number } {
  if (target === "ffn_in") return { inputs: width, outputs: inner };
  if (target === "ffn_out") return { inputs: inner, outputs: width };
  return { inputs: width, outputs: width };
}

/**
 * Lays out the parameters of a model: those of its adapters and of its head. The base is no part of
 * them. Matrices of adapters have the orientation of PEFT, `lora_A` `[rank, inputs]` and `lora_B`
 * `[outputs, rank]`; the kernel of the head is `[inputs, units]`.
 */
export function encoderManifest(model: EncoderModel): Manifest {
  const { adapters, encoder: { width }, units } = model;
  const tensors = adaptersOf(model).flatMap(({ layer, target, inputs, outputs }) =>
    tensorsOf(`l${layer}/${target}`, adapters, [inputs, outputs])
  );
  return Manifest.of([
    ...tensors,
    { name: "head/kernel", shape: [width, units] },
    { name: "head/bias", shape: [units] },
  ]);
}

function tensorsOf(
  name: string,
  adapters: Adapters | undefined,
  [inputs, outputs]: readonly [number, number],
): TensorDeclaration[] {
  const { rank = 0, train } = adapters ?? {};
  return [
    { name: `${name}/lora_A`, shape: [rank, inputs], trainable: train !== "B" },
    { name: `${name}/lora_B`, shape: [outputs, rank] },
  ];
}

/**
 * Draws the initial parameters of a model: `A` as PEFT does, uniform within `1 / sqrt(inputs)`; `B`
 * and the head are zeros, so that the model begins as its base.
 *
 * @param seed An integer from 0 to 2^32 - 1.
 * @throws {RangeError} If the seed is out of range.
 */
export function initialEncoder(
  model: EncoderModel,
  seed: number,
): { readonly manifest: Manifest; readonly parameters: ParameterVector } {
  // Checks the seed even where nothing is drawn.
  new Random(seed, "initial-weights");
  const manifest = encoderManifest(model), parameters = new Float32Array(manifest.length);
  manifest.tensors.forEach(({ name, shape, offset, length }, i) => {
    if (!name.endsWith("/lora_A")) return;
    const random = new Random(seed, "initial-weights", { rank: i });
    const bound = 1 / Math.sqrt(shape[1] ?? 1);
    for (let k = 0; k < length; k++) parameters[offset + k] = bound * (2 * random.uniform() - 1);
  });
  return { manifest, parameters };
}

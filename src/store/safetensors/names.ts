/**
 * Names of tensors in the files of other libraries.
 *
 * @module
 */

import type { Manifest, TensorSpec } from "../../params/manifest.ts";
import type { TensorEntry } from "./entries.ts";

/** Place of a tensor of a file in a model, with its rearrangement. */
export interface WeightPlace {
  /** Name of the tensor in the model. */
  readonly name: string;
  /** Shape to read the file's values in, before they are transposed. Default: that of the file. */
  readonly reshape?: readonly number[];
  /**
   * Order of the axes as NumPy's `transpose` takes it: axis `i` of the result is axis
   * `transpose[i]` of the tensor. Default: the axes stay.
   */
  readonly transpose?: readonly number[];
}

/**
 * Names of a file's tensors with the names of the model's tensors. The name of a layer stands for
 * all of its tensors. `null` leaves out the tensor, or all tensors of the layer.
 */
export type WeightNames = Readonly<Record<string, string | WeightPlace | null>>;

/** Tensor of the model that is loaded, and how it is rearranged. */
export interface FoundWeight {
  readonly tensor: TensorSpec;
  readonly reshape?: readonly number[];
  readonly transpose?: readonly number[];
}

/** Names that PyTorch gives to the tensors of a layer, and the names of this package. */
const TORCH_NAMES: Readonly<Record<string, readonly string[]>> = {
  weight: ["kernel", "depthwise_kernel", "gamma", "embeddings"],
  bias: ["bias", "beta"],
  running_mean: ["moving_mean"],
  running_var: ["moving_variance"],
};

/** Orders of the axes of PyTorch's kernels, by their number: dense, and convolutions. */
const TORCH_AXES: Readonly<Record<number, readonly number[]>> = {
  2: [1, 0],
  3: [2, 1, 0],
  4: [2, 3, 1, 0],
};

/** Returns true for a tensor of a file that no model has: PyTorch counts batches. */
export function isCounter(name: string): boolean {
  return /(^|\.)num_batches_tracked$/.test(name);
}

/**
 * Finds the tensor of the model that a tensor of a file goes to; `undefined` if there is none.
 *
 * Equal names come first. A name `LAYER.weight` is one of PyTorch, whose kernels have other axes. A
 * name of Keras may have `:0` at its end, or the name of its model in front.
 *
 * @throws {RangeError} If PyTorch's order of the axes cannot be known.
 */
export function findWeight(
  name: string,
  entry: TensorEntry,
  manifest: Manifest,
): FoundWeight | undefined {
  const find = (wanted: string) => manifest.tensors.find((tensor) => tensor.name === wanted);
  const plain = name.replace(/:0$/, "");
  const same = find(name) ?? find(plain);
  if (same) return { tensor: same };
  const [, layer = "", own = ""] = /^(.+)\.([a-z_]+)$/.exec(plain) ?? [];
  for (const candidate of Object.hasOwn(TORCH_NAMES, own) ? TORCH_NAMES[own] ?? [] : []) {
    const tensor = find(`${layer}/${candidate}`) ??
      find(`${layer.replaceAll(".", "/")}/${candidate}`);
    if (tensor) return withConvention(tensor, entry, manifest);
  }
  const [model, ...path] = plain.split("/");
  if (model === undefined || path.length === 0) return undefined;
  const [last = ""] = path.slice(-1);
  const tensor = find(path.join("/")) ??
    (last === "kernel" ? find(`${plain.slice(0, -last.length)}depthwise_kernel`) : undefined) ??
    (last === "kernel" ? find([...path.slice(0, -1), "depthwise_kernel"].join("/")) : undefined);
  return tensor && { tensor };
}

/**
 * Returns the place of a tensor with the rearrangement of its library: a kernel with a name
 * `LAYER.weight` is one of PyTorch.
 *
 * @throws {RangeError} If PyTorch's order of the axes cannot be known.
 */
export function withConvention(
  tensor: TensorSpec,
  { name, shape }: TensorEntry,
  manifest: Manifest,
): FoundWeight {
  const own = tensor.name.split("/").at(-1);
  if (!name.endsWith(".weight")) return { tensor };
  if (own === "depthwise_kernel") {
    const [, , channels = 1, multiplier = 1] = tensor.shape;
    const [, , ...size] = shape;
    return {
      tensor,
      reshape: [channels, multiplier, ...size],
      transpose: [2, 3, 0, 1],
    };
  }
  const transpose = own === "kernel" ? TORCH_AXES[shape.length] : undefined;
  if (transpose === undefined) return { tensor };
  const [inputs = 0] = tensor.shape, channels = channelsBefore(tensor, manifest);
  if (shape.length === 2 && channels > 1 && inputs > channels && inputs % channels === 0) {
    const [outputs = 0] = shape;
    throw new RangeError(
      `cannot know whether ${
        JSON.stringify(name)
      } follows a flattened image, whose values PyTorch ` +
        `orders otherwise; map it with "transpose": [1, 0], or if it does with "reshape": ` +
        `[${outputs}, ${channels}, HEIGHT, WIDTH] and "transpose": [2, 3, 1, 0]`,
    );
  }
  return { tensor, transpose };
}

/** Returns the channels of the convolution whose output a dense layer may flatten, or 0. */
function channelsBefore(tensor: TensorSpec, { tensors }: Manifest): number {
  const { name, shape = [] } = tensors.slice(0, tensors.indexOf(tensor))
    .findLast(({ name, shape }) => name.endsWith("kernel") && shape.length > 1) ?? {};
  const [, , inputs = 0, outputs = 0] = shape;
  return name?.endsWith("depthwise_kernel") ? inputs * outputs : outputs;
}

import type { Manifest, ParameterVector } from "../../mod.ts";

/** Dense layer in a parameter vector: kernel of `inputs × outputs` values, then the bias. */
export interface DenseLayer {
  readonly inputs: number;
  readonly outputs: number;
  /** Positions of the kernel and of the bias. */
  readonly kernel: number;
  readonly bias: number;
}

/**
 * Finds the layers of a model that has dense layers alone.
 *
 * @throws {RangeError} If it has others.
 */
export function denseLayers({ tensors }: Manifest): DenseLayer[] {
  const layers: DenseLayer[] = [];
  for (let i = 0; i < tensors.length; i += 2) {
    const kernel = tensors[i], bias = tensors[i + 1];
    const [inputs = 0, outputs = 0] = kernel?.shape ?? [];
    if (kernel?.shape.length !== 2 || bias?.shape.length !== 1 || bias.shape[0] !== outputs) {
      throw new RangeError("Cannot attack the model: expected dense layers alone");
    }
    layers.push({ inputs, outputs, kernel: kernel.offset, bias: bias.offset });
  }
  return layers;
}

/** Computes the cross-entropy of a sample, with ReLU between the layers and softmax at the end. */
export function lossOf(
  layers: readonly DenseLayer[],
  parameters: ParameterVector,
  sample: Float32Array,
  label: number,
): number {
  let values: Float32Array | Float64Array = sample;
  layers.forEach(({ inputs, outputs, kernel, bias }, layer) => {
    const next = Float64Array.from(parameters.subarray(bias, bias + outputs));
    for (let i = 0; i < inputs; i++) {
      const value = values[i] ?? 0;
      if (value === 0) continue;
      const row = kernel + i * outputs;
      for (let j = 0; j < outputs; j++) {
        next[j] = (next[j] ?? 0) + value * (parameters[row + j] ?? 0);
      }
    }
    values = layer === layers.length - 1 ? next : next.map((value) => Math.max(0, value));
  });
  const largest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const sum = values.reduce((total, value) => total + Math.exp(value - largest), 0);
  return largest + Math.log(sum) - (values[label] ?? 0);
}

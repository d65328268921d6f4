import type { Graph, Node, Window2D } from "../src/train/native/_graph.ts";

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/** Calls with the pixel under each place of each window that does not lie in the padding. */
function eachTap(
  { size, strides, dilation, padTop, padLeft, output }: Window2D,
  [height = 0, width = 0]: readonly number[],
  visit: (to: number, from: number, place: number) => void,
): void {
  for (let y = 0; y < output[0]; y++) {
    for (let x = 0; x < output[1]; x++) {
      for (let row = 0; row < size[0]; row++) {
        for (let column = 0; column < size[1]; column++) {
          const v = y * strides[0] + row * dilation[0] - padTop;
          const u = x * strides[1] + column * dilation[1] - padLeft;
          if (v < 0 || v >= height || u < 0 || u >= width) continue;
          visit(y * output[1] + x, v * width + u, row * size[1] + column);
        }
      }
    }
  }
}

/** One sample through one layer, by the layer's definition and in float64. */
function apply(
  { layer, shape }: Node,
  inputs: readonly Float64Array[],
  inputShape: readonly number[],
  weights: readonly Float64Array[],
): Float64Array {
  const [x = new Float64Array()] = inputs, [w = new Float64Array(), b] = weights;
  const y = new Float64Array(sizeOf(shape));
  const channels = inputShape.at(-1) ?? 1;
  switch (layer.type) {
    case "reshape":
      return x;
    case "dense":
      return y.map((_, j) =>
        x.reduce((sum, value, i) => sum + value * w[i * layer.units + j]!, b?.[j] ?? 0)
      );
    case "conv2d": {
      const { filters } = layer;
      y.forEach((_, i) => y[i] = b?.[i % filters] ?? 0);
      eachTap(layer.window, inputShape, (to, from, place) => {
        for (let c = 0; c < channels; c++) {
          for (let f = 0; f < filters; f++) {
            y[to * filters + f]! += x[from * channels + c]! *
              w[(place * channels + c) * filters + f]!;
          }
        }
      });
      return y;
    }
    case "maxPool2d":
      y.fill(-Infinity);
      eachTap(layer.window, inputShape, (to, from) => {
        for (let c = 0; c < channels; c++) {
          y[to * channels + c] = Math.max(y[to * channels + c]!, x[from * channels + c]!);
        }
      });
      return y;
    case "averagePool2d": {
      const counts = new Float64Array(y.length);
      eachTap(layer.window, inputShape, (to, from) => {
        for (let c = 0; c < channels; c++) {
          y[to * channels + c]! += x[from * channels + c]!;
          counts[to * channels + c]!++;
        }
      });
      return y.map((sum, i) => sum / counts[i]!);
    }
    case "globalAveragePool":
      x.forEach((value, i) => y[i % channels]! += value * channels / x.length);
      return y;
    case "add":
      return y.map((_, i) => inputs.reduce((sum, input) => sum + input[i]!, 0));
    case "activation":
      if (layer.name === "relu" || layer.name === "leakyRelu") {
        return x.map((value) => value > 0 ? value : value * layer.alpha);
      }
  }
  throw new Error(`The reference has no layer ${layer.type}`);
}

/** Mean softmax cross-entropy of a graph over samples, in float64. */
export function referenceLoss(
  { nodes, manifest }: Graph,
  vector: Float64Array,
  samples: readonly { x: Float64Array; label: number }[],
): number {
  let loss = 0;
  for (const { x, label } of samples) {
    const values: Float64Array[] = [x];
    for (const node of nodes.slice(1)) {
      const inputs = node.inputs.map((i) => values[i]!);
      const weights = node.parameters.map(({ tensor }) => {
        const { offset, length } = manifest.tensors[tensor]!;
        return vector.subarray(offset, offset + length);
      });
      values.push(apply(node, inputs, nodes[node.inputs[0]!]!.shape, weights));
    }
    const logits = values.at(-1)!;
    loss += Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0)) - logits[label]!;
  }
  return loss / samples.length;
}

import type { Random } from "../../src/base/random.ts";
import type { Graph, Node, Window2D } from "../../src/engine/graph/graph.ts";
import { referenceBidirectional, referenceRecurrent } from "./reference_recurrent.ts";

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
  { layer, shape, ...rest }: Node,
  inputs: readonly Float64Array[],
  inputShape: readonly number[],
  weights: readonly Float64Array[],
): Float64Array {
  if (layer.type === "conv2d" && inputShape.length === 2) {
    const [steps = 1, width = 1] = inputShape;
    return apply({ layer, shape, ...rest }, inputs, [steps, 1, width], weights);
  }
  const [x = new Float64Array()] = inputs, [w = new Float64Array(), b] = weights;
  const y = new Float64Array(sizeOf(shape));
  const channels = inputShape.at(-1) ?? 1;
  switch (layer.type) {
    case "reshape":
      return x;
    case "dense":
      return y.map((_, j) => {
        const unit = j % layer.units, from = Math.floor(j / layer.units) * channels;
        return x.subarray(from, from + channels).reduce(
          (sum, value, i) => sum + value * w[i * layer.units + unit]!,
          b?.[unit] ?? 0,
        );
      });
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
    case "layerNorm": {
      const gamma = layer.scale ? w : undefined, beta = layer.scale ? b : w;
      return y.map((_, i) => {
        const row = x.subarray(i - i % channels, i - i % channels + channels);
        const mean = row.reduce((sum, value) => sum + value, 0) / channels;
        const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / channels;
        const normal = (x[i]! - mean) / Math.sqrt(variance + layer.epsilon);
        return normal * (gamma?.[i % channels] ?? 1) + (layer.center ? beta![i % channels]! : 0);
      });
    }
    case "globalAveragePool":
      if (inputs[1]) {
        const words = inputs[1], count = words.filter((word) => word !== 0).length || 1;
        x.forEach((value, i) => {
          if (words[Math.floor(i / channels)] !== 0) y[i % channels]! += value / count;
        });
        return y;
      }
      x.forEach((value, i) => y[i % channels]! += value * channels / x.length);
      return y;
    case "add":
      return y.map((_, i) => inputs.reduce((sum, input) => sum + input[i]!, 0));
    case "activation":
      if (layer.name === "sigmoid") return x.map((value) => 1 / (1 + Math.exp(-value)));
      if (layer.name === "tanh") return x.map(Math.tanh);
      if (layer.name === "softmax") {
        const powers = x.map(Math.exp), sums = new Float64Array(x.length / channels);
        powers.forEach((power, i) => sums[Math.floor(i / channels)]! += power);
        return powers.map((power, i) => power / sums[Math.floor(i / channels)]!);
      }
      if (layer.name === "geluNew") {
        const inner = (value: number) => Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3);
        return x.map((value) => value / 2 * (1 + Math.tanh(inner(value))));
      }
      return x.map((value) => value > 0 ? value : value * layer.alpha);
    case "depthwiseConv2d": {
      const { depthMultiplier: each } = layer, filters = channels * each;
      y.forEach((_, i) => y[i] = b?.[i % filters] ?? 0);
      eachTap(layer.window, inputShape, (to, from, place) => {
        for (let f = 0; f < filters; f++) {
          y[to * filters + f]! += x[from * channels + Math.floor(f / each)]! *
            w[place * filters + f]!;
        }
      });
      return y;
    }
    case "recurrent":
      return referenceRecurrent(layer, x, inputs[1], weights);
    case "bidirectional":
      return referenceBidirectional(layer, x, inputs[1], weights);
    case "embedding":
      return y.map((_, i) => {
        const { outputDim } = layer;
        return w[x[Math.floor(i / outputDim)]! * outputDim + i % outputDim]!;
      });
  }
  throw new Error(`The reference has no layer ${layer.type}`);
}

/** A batch normalized by its own mean and variance, or by the moving ones of a frozen layer. */
function normalize(
  { layer, parameters }: Node,
  batch: readonly Float64Array[],
  weights: readonly Float64Array[],
): Float64Array[] {
  if (layer.type !== "batchNorm") throw new Error(`Cannot normalize in ${layer.type}`);
  const of = (role: string) => weights[parameters.findIndex((ref) => ref.role === role)];
  const gamma = of("gamma"), beta = of("beta"), channels = of("movingMean")!.length;
  const result = batch.map((x) => x.slice());
  for (let c = 0; c < channels; c++) {
    const values = batch.flatMap((x) => [...x].filter((_, i) => i % channels === c));
    const own = values.reduce((sum, value) => sum + value, 0) / values.length;
    const spread = values.reduce((sum, v) => sum + (v - own) ** 2, 0) / values.length;
    const mean = layer.frozen ? of("movingMean")![c]! : own;
    const variance = layer.frozen ? of("movingVariance")![c]! : spread;
    const factor = (gamma?.[c] ?? 1) / Math.sqrt(variance + layer.epsilon);
    for (const x of result) {
      for (let i = c; i < x.length; i += channels) {
        x[i] = (x[i]! - mean) * factor + (beta?.[c] ?? 0);
      }
    }
  }
  return result;
}

/** A batch with values dropped, one draw for each, in blocks of four; what is kept grows. */
function drop(rate: number, batch: readonly Float64Array[], random: Random): Float64Array[] {
  const count = batch.reduce((sum, { length }) => sum + length, 0);
  const kept = Array.from({ length: Math.ceil(count / 4) * 4 }, () => random.uint32() / 2 ** 32)
    .map((draw) => draw >= rate ? 1 / (1 - rate) : 0);
  let next = 0;
  return batch.map((x) => x.map((value) => value * kept[next++]!));
}

/** What a graph, in training, makes of samples, in float64; `random` is the stream of dropout. */
export function referenceOutputs(
  { nodes, manifest }: Graph,
  vector: Float64Array,
  samples: readonly Float64Array[],
  random: Random,
): readonly Float64Array[] {
  const values: (readonly Float64Array[])[] = [samples];
  for (const node of nodes.slice(1)) {
    if (node.layer.type === "dropout") {
      const x = values[node.inputs[0]!]!, { rate } = node.layer;
      values.push(rate === 0 ? x : drop(rate, x, random));
      continue;
    }
    const weights = node.parameters.map(({ tensor }) => {
      const { offset, length } = manifest.tensors[tensor]!;
      return vector.subarray(offset, offset + length);
    });
    const inputShape = nodes[node.inputs[0]!]!.shape;
    values.push(
      node.layer.type === "batchNorm"
        ? normalize(node, values[node.inputs[0]!]!, weights)
        : samples.map((_, k) =>
          apply(node, node.inputs.map((i) => values[i]![k]!), inputShape, weights)
        ),
    );
  }
  return values.at(-1)!;
}

/** Mean loss of a graph, in training, over samples, in float64. */
export function referenceLoss(
  graph: Graph,
  vector: Float64Array,
  samples: readonly { x: Float64Array; label: number }[],
  random: Random,
): number {
  const outputs = referenceOutputs(graph, vector, samples.map(({ x }) => x), random);
  const ends = (share: number) => Math.min(1 - 1e-7, Math.max(1e-7, share));
  const losses = {
    softmaxCrossEntropy: (z: Float64Array, label: number) =>
      Math.log(z.reduce((sum, value) => sum + Math.exp(value), 0)) - z[label]!,
    categoricalCrossentropy: (y: Float64Array, label: number) => -Math.log(ends(y[label]!)),
    binaryCrossentropy: ([y = NaN]: Float64Array, label: number) =>
      -Math.log(ends(label === 1 ? y : 1 - y)),
    sigmoidCrossEntropy: ([z = NaN]: Float64Array, label: number) =>
      Math.log(1 + Math.exp(label === 1 ? -z : z)),
    meanSquaredError: ([y = NaN]: Float64Array, label: number) => (y - label) ** 2,
    meanAbsoluteError: ([y = NaN]: Float64Array, label: number) => Math.abs(y - label),
    huber: ([y = NaN]: Float64Array, label: number) =>
      Math.abs(y - label) < 1 ? (y - label) ** 2 / 2 : Math.abs(y - label) - 0.5,
  };
  const costs = samples.map(({ label }, k) => losses[graph.loss](outputs[k]!, label));
  return costs.reduce((sum, cost) => sum + cost, 0) / samples.length;
}

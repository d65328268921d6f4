import {
  type Layer,
  type Node,
  type ParameterRole,
  UnsupportedModelError,
  type Window2D,
} from "../../../engine/graph/graph.ts";
import type { GraphBuilder } from "./builder.ts";

/** Orders of the axes of images: channels last, as here, and channels first, as in ONNX. */
const TO_FIRST = [0, 3, 1, 2], TO_LAST = [0, 2, 3, 1];

/** Node of the graph with the names and shapes of what it reads. */
export interface NodeToExport {
  /** Node. */
  readonly node: Node;
  /** Names of its inputs in the ONNX graph. */
  readonly inputs: readonly string[];
  /** Shape of a row of the first input. */
  readonly inputShape: readonly number[];
  /** Returns the values of a weight, and its shape; `undefined` if the layer has none. */
  weight(role: ParameterRole): { values: Float32Array; shape: readonly number[] } | undefined;
}

/**
 * Adds the nodes of a layer, and returns the name of the output.
 *
 * @throws {UnsupportedModelError} If the layer is one of sequences or layer normalization.
 */
export function addLayer(graph: GraphBuilder, exported: NodeToExport): string {
  const { node: { layer, name, shape }, inputs, inputShape } = exported;
  const [x = ""] = inputs;
  const constant = (role: ParameterRole) => {
    const { values, shape } = needed(exported, role);
    return graph.floats(`${name}/${role}`, shape, values);
  };
  const isOfSequences = layer.type === "conv2d" && inputShape.length !== 3 ||
    layer.type === "globalAveragePool" && inputs.length > 1;
  if (isOfSequences) throw unsupported(name, "layers of sequences");
  switch (layer.type) {
    case "input":
    case "dropout":
      return x;
    case "recurrent":
    case "bidirectional":
      throw unsupported(name, "recurrent layers");
    case "layerNorm":
      throw unsupported(name, "layer normalization");
    case "reshape":
      return graph.add("Reshape", name, [x, graph.integers(`${name}/shape`, [-1, ...shape])]);
    case "dense": {
      const product = graph.add("MatMul", name, [x, constant("kernel")]);
      return layer.useBias ? graph.add("Add", name, [product, constant("bias")]) : product;
    }
    case "conv2d": {
      const kernel = inOrder(needed(exported, "kernel"), [3, 2, 0, 1]);
      return convolution(graph, exported, layer.window, kernel, 1);
    }
    case "depthwiseConv2d": {
      const { values, shape } = inOrder(needed(exported, "kernel"), [2, 3, 0, 1]);
      const [channels = 1, multiplier = 1, ...size] = shape;
      const kernel = { values, shape: [channels * multiplier, 1, ...size] };
      return convolution(graph, exported, layer.window, kernel, channels);
    }
    case "maxPool2d":
    case "averagePool2d":
      return onImages(
        graph,
        name,
        x,
        (image) =>
          graph.add(layer.type === "maxPool2d" ? "MaxPool" : "AveragePool", name, [image], {
            kernel_shape: layer.window.size,
            strides: layer.window.strides,
            pads: padsOf(layer.window, inputShape),
          }),
      );
    case "globalAveragePool":
      return graph.add("ReduceMean", name, [x], {
        axes: inputShape.slice(0, -1).map((_, i) => i + 1),
        keepdims: 0,
      });
    case "batchNorm":
      return batchNorm(graph, exported, layer);
    case "activation":
      return activation(graph, name, x, layer);
    case "embedding": {
      const index = graph.add("Cast", name, [x], { to: 7 });
      return graph.add("Gather", name, [constant("embeddings"), index]);
    }
    case "add":
      return graph.add("Sum", name, inputs);
  }
}

/** Computes on channels-first images between two transpositions, which runtimes remove. */
function onImages(
  graph: GraphBuilder,
  name: string,
  x: string,
  compute: (image: string) => string,
): string {
  const image = graph.add("Transpose", name, [x], { perm: TO_FIRST });
  return graph.add("Transpose", name, [compute(image)], { perm: TO_LAST });
}

function convolution(
  graph: GraphBuilder,
  exported: NodeToExport,
  window: Window2D,
  kernel: { values: Float32Array; shape: readonly number[] },
  group: number,
): string {
  const { node: { name }, inputs: [x = ""], inputShape } = exported;
  const weights = [graph.floats(`${name}/kernel`, kernel.shape, kernel.values)];
  const bias = exported.weight("bias");
  if (bias) weights.push(graph.floats(`${name}/bias`, bias.shape, bias.values));
  return onImages(graph, name, x, (image) =>
    graph.add("Conv", name, [image, ...weights], {
      kernel_shape: window.size,
      strides: window.strides,
      dilations: window.dilation,
      pads: padsOf(window, inputShape),
      group,
    }));
}

/** Rows and columns of padding: above, left, below, right. */
function padsOf(window: Window2D, [rows = 0, columns = 0]: readonly number[]): number[] {
  const after = (axis: 0 | 1, input: number, before: number) => {
    const reach = (window.size[axis] - 1) * window.dilation[axis] + 1;
    return Math.max(0, (window.output[axis] - 1) * window.strides[axis] + reach - input - before);
  };
  const { padTop, padLeft } = window;
  return [padTop, padLeft, after(0, rows, padTop), after(1, columns, padLeft)];
}

/** Normalizes by the moving statistics: one factor and one term for each channel. */
function batchNorm(
  graph: GraphBuilder,
  exported: NodeToExport,
  { epsilon }: Layer & { type: "batchNorm" },
): string {
  const { node: { name }, inputs: [x = ""] } = exported;
  const mean = needed(exported, "movingMean").values;
  const variance = needed(exported, "movingVariance").values;
  const gamma = exported.weight("gamma")?.values, beta = exported.weight("beta")?.values;
  const factors = Array.from(
    variance,
    (value, i) => (gamma?.[i] ?? 1) / Math.sqrt(value + epsilon),
  );
  const terms = Array.from(mean, (value, i) => (beta?.[i] ?? 0) - value * (factors[i] ?? 0));
  const scaled = graph.add("Mul", name, [
    x,
    graph.floats(`${name}/factor`, [factors.length], factors),
  ]);
  return graph.add("Add", name, [scaled, graph.floats(`${name}/term`, [terms.length], terms)]);
}

function activation(
  graph: GraphBuilder,
  layer: string,
  x: string,
  { name, alpha }: Layer & { type: "activation" },
): string {
  switch (name) {
    case "relu":
      return graph.add("Relu", layer, [x]);
    case "sigmoid":
      return graph.add("Sigmoid", layer, [x]);
    case "tanh":
      return graph.add("Tanh", layer, [x]);
    case "softmax":
      return graph.add("Softmax", layer, [x], { axis: -1 });
    case "leakyRelu":
      return graph.add("LeakyRelu", layer, [x], { alpha: { f: alpha } });
    case "gelu":
    case "geluNew":
      throw unsupported(layer, "GELU");
  }
}

function unsupported(layer: string, what: string): UnsupportedModelError {
  return new UnsupportedModelError(
    `Layer ${JSON.stringify(layer)}: ${what} cannot be exported yet`,
  );
}

function needed(
  { node, weight }: NodeToExport,
  role: ParameterRole,
): { values: Float32Array; shape: readonly number[] } {
  const found = weight(role);
  if (found) return found;
  throw new Error(`Cannot export layer ${JSON.stringify(node.name)}: it has no ${role}`);
}

/** Copies a tensor of four axes in another order. */
function inOrder(
  { values, shape }: { values: Float32Array; shape: readonly number[] },
  axes: readonly [number, number, number, number],
): { values: Float32Array; shape: number[] } {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const [a = 1, b = 1, c = 1, d = 1] = axes.map((axis) => shape[axis] ?? 1);
  const [sa = 0, sb = 0, sc = 0, sd = 0] = axes.map((axis) => strides[axis] ?? 0);
  const copy = new Float32Array(values.length);
  let at = 0;
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      for (let k = 0; k < c; k++) {
        for (let l = 0; l < d; l++) {
          copy[at++] = values[i * sa + j * sb + k * sc + l * sd] ?? 0;
        }
      }
    }
  }
  return { values: copy, shape: [a, b, c, d] };
}

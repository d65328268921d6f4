import type { Graph, Layer, Node, Window2D } from "./graph/graph.ts";

/**
 * Least number of values of a maximum: with fewer, too many gradients are not 0 for lists of them
 * to pay.
 */
const MIN_POOL = 4;

/**
 * Joins each maximum over windows that do not overlap with the convolution before it. The results
 * of the convolution then need no memory, nor does their gradient, which is 0 except for one value
 * under each window. A rectifier between the two, which is monotone, moves behind them.
 */
export function fuse(graph: Graph): Graph {
  const nodes = [...graph.nodes];
  const readers = (index: number) => nodes.filter(({ inputs }) => inputs.includes(index)).length;
  /** Index of the node that replaces each one. */
  const stands = nodes.map((_, i) => i);
  graph.nodes.forEach((pool, i) => {
    if (pool.layer.type !== "maxPool2d") return;
    const before = pool.inputs[0] ?? 0, between = nodes[before];
    const first = between && isRectifier(between.layer) ? between.inputs[0] ?? 0 : before;
    const conv = nodes[first];
    if (!conv || conv.layer.type !== "conv2d" || readers(first) > 1 || readers(before) > 1) return;
    if (!fits(conv, conv.layer, pool.layer.window, graph)) return;
    const joined = {
      ...conv,
      layer: { ...conv.layer, pool: pool.layer.window },
      shape: pool.shape,
    };
    nodes[first] = joined;
    if (first !== before && between) nodes[before] = { ...between, shape: pool.shape };
    stands[i] = before;
  });
  const kept = nodes.map((_, i) => i).filter((i) => stands[i] === i);
  const renumber = (i: number) => kept.indexOf(stands[i] ?? i);
  return {
    ...graph,
    nodes: kept.flatMap((i) => {
      const node = nodes[i];
      return node ? [{ ...node, inputs: node.inputs.map(renumber) }] : [];
    }),
  };
}

function isRectifier(layer: Layer): boolean {
  return layer.type === "activation" &&
    (layer.name === "relu" || layer.name === "leakyRelu" && layer.alpha >= 0);
}

/**
 * Returns true if the kernels can join the two: every value lies under one window at most, and runs
 * of the image are whole vectors.
 */
function fits(
  conv: Node,
  { window, pool }: Layer & { type: "conv2d" },
  { size, strides, padTop, padLeft, output }: Window2D,
  graph: Graph,
): boolean {
  if (pool !== undefined || padTop !== 0 || padLeft !== 0) return false;
  const axes = [0, 1] as const;
  if (axes.some((i) => size[i] !== strides[i] || output[i] * size[i] > window.output[i])) {
    return false;
  }
  if (size[0] * size[1] < MIN_POOL) return false;
  const source = conv.inputs[0] ?? 0;
  const channels = graph.nodes[source]?.shape.at(-1) ?? 1;
  const run = window.dilation[1] === 1 ? window.size[1] * channels : channels;
  return source === 0 || run % 4 === 0;
}

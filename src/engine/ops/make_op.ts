import type { Node, Shape } from "../graph/graph.ts";
import { depthwiseOp } from "./depthwise.ts";
import { dropoutOp } from "./dropout.ts";
import { embeddingOp } from "./embedding.ts";
import { layerNormOp, normOp } from "./norm.ts";
import { bidirectionalOp } from "./bidirectional.ts";
import { at, type Op, type OpContext } from "./op.ts";
import { addOp, curveOp, denseOp, geluOp, leakyReluOp, softmaxOp } from "./ops.ts";
import { maskedMeanOp, recurrentOp } from "./recurrent.ts";
import { convOp, poolOp, wholeImage } from "./window.ts";

/**
 * Creates the op of a node; `undefined` where there is nothing to do. With `fused` a rectifier is
 * joined to the layer before it.
 */
export function makeOp(
  { layer, inputs, shape }: Node,
  nodes: readonly Node[],
  context: OpContext,
  fused: boolean,
): Op | undefined {
  const image = imageShape(nodes[inputs[0] ?? 0]?.shape ?? []);
  switch (layer.type) {
    case "input":
    case "reshape":
      return undefined;
    case "dense":
      return denseOp(context, layer, fused);
    case "add":
      return addOp(context);
    case "depthwiseConv2d":
      return depthwiseOp(context, layer, image);
    case "batchNorm":
      return normOp(context, layer);
    case "dropout":
      return layer.rate === 0 ? undefined : dropoutOp(context, layer.rate);
    case "embedding":
      return embeddingOp(context, layer);
    case "recurrent":
      return recurrentOp(context, layer);
    case "bidirectional":
      return bidirectionalOp(context, layer);
    case "conv2d":
      return convOp(context, layer, image);
    case "maxPool2d":
    case "averagePool2d":
      return poolOp(context, layer.type === "maxPool2d", layer.window, image);
    case "layerNorm":
      return layerNormOp(context, layer);
    case "globalAveragePool": {
      if (inputs.length > 1) return maskedMeanOp(context);
      const channels = context.output.length;
      const pixels = at(context.inputs, 0).length / channels;
      return poolOp(context, false, wholeImage(pixels), [1, pixels, channels]);
    }
    case "activation":
      if (layer.name === "softmax") return softmaxOp(context, shape.at(-1) ?? 1);
      if (layer.name === "gelu" || layer.name === "geluNew") return geluOp(context, layer.name);
      if (layer.name === "sigmoid" || layer.name === "tanh") return curveOp(context, layer.name);
      return leakyReluOp(context, layer.alpha, fused);
  }
}

/** Returns the shape of an image; that of a sequence is an image of one column. */
function imageShape(shape: Shape): Shape {
  const [steps, channels, more] = shape;
  return steps !== undefined && channels !== undefined && more === undefined
    ? [steps, 1, channels]
    : shape;
}

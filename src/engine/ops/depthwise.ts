import type { Layer, Shape } from "../graph/graph.ts";
import { clippedOp, parameterValues, rowAt } from "./clip.ts";
import { at, type Op, type OpContext } from "./op.ts";
import { placeWindow } from "./window.ts";

/**
 * Depthwise convolution of images `[H, W, C]` to `[OH, OW, C * M]`: each channel has M filters of
 * its own, `depthMultiplier`.
 */
export function depthwiseOp(
  context: OpContext,
  { depthMultiplier: each, useBias, window }: Layer & { type: "depthwiseConv2d" },
  image: Shape,
): Op {
  const { exports, target, output, outputGradient: dy } = context;
  const x = at(context.inputs, 0).at, dx = at(context.inputGradients, 0), y = output.at;
  const w = at(context.parameters, 0).at, b = useBias ? at(context.parameters, 1).at : 0;
  const [height = 1, width = 1, channels = 1] = image, filters = channels * each;
  const shape = placeWindow(context, window, [height, width, filters]);
  const scratch = context.scratch(
    exports.depthwise_forward_scratch(shape),
    exports.depthwise_backward_scratch(shape),
    exports.depthwise_gradient_scratch(shape),
  );
  return {
    forward(rows) {
      exports.depthwise_forward(shape, x, w, b, y, rows, each, scratch);
    },
    backward(rows) {
      // Before the gradient of the filters, which may overwrite them.
      if (dx !== 0) exports.depthwise_backward(shape, dy, w, dx, rows, each, scratch);
      const { distance, add } = target;
      const db = useBias ? b + distance : 0;
      exports.depthwise_gradient(shape, x, dy, w + distance, db, rows, each, add, scratch);
    },
    ...clippedOp(context, {
      length: parameterValues(context),
      backward(rows) {
        if (dx !== 0) exports.depthwise_backward(shape, dy, w, dx, rows, each, scratch);
      },
      gradient(rows) {
        const { distance } = target, db = useBias ? b + distance : 0;
        exports.depthwise_gradient(shape, x, dy, w + distance, db, rows, each, 1, scratch);
      },
      gradientOfRow(row, dw) {
        const ofRow = rowAt(x, row, at(context.inputs, 0).length);
        const gradient = rowAt(dy, row, output.length);
        const db = useBias ? rowAt(dw, 1, at(context.parameters, 0).length) : 0;
        exports.depthwise_gradient(shape, ofRow, gradient, dw, db, 1, each, 0, scratch);
      },
    }),
  };
}

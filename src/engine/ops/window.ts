import { WINDOW_LAYOUT } from "../../generated/engine_exports.ts";
import type { Pointer } from "../../params/instance.ts";
import type { Layer, Shape, Window2D } from "../graph/graph.ts";
import { valuesOf } from "../structs.ts";
import { clippedOp, parameterValues, rowAt } from "./clip.ts";
import { at, type Op, type OpContext } from "./op.ts";

/** Returns the window that covers an image of `pixels` pixels. */
export function wholeImage(pixels: number): Window2D {
  return {
    size: [1, pixels],
    strides: [1, 1],
    dilation: [1, 1],
    padTop: 0,
    padLeft: 0,
    output: [1, 1],
  };
}

/** Places a window over images of shape `[height, width, channels]`, as the kernels' `Window`. */
export function placeWindow(
  context: OpContext,
  window: Window2D,
  [height, width, channels]: readonly [number, number, number],
): Pointer {
  const { size, strides, dilation, padTop, padLeft, output } = window;
  const [outHeight, outWidth] = output, [rows, columns] = size;
  const [strideY, strideX] = strides, [dilationY, dilationX] = dilation;
  const image = { height, width, channels, outHeight, outWidth };
  const moves = { rows, columns, strideY, strideX, dilationY, dilationX, padTop, padLeft };
  return context.constants(valuesOf(WINDOW_LAYOUT, { ...image, ...moves }));
}

/**
 * Convolution of images `[H, W, C]` with filters `[KH, KW, C, F]` to `[OH, OW, F]`. With a pool,
 * the output is the maximum of the convolution under each of the pool's windows.
 */
export function convOp(
  context: OpContext,
  { filters, useBias, window, pool }: Layer & { type: "conv2d" },
  image: Shape,
): Op {
  const { exports, target, output, outputGradient: dy } = context;
  const x = at(context.inputs, 0).at, dx = at(context.inputGradients, 0), y = output.at;
  const w = at(context.parameters, 0), b = useBias ? at(context.parameters, 1).at : 0;
  const [height = 1, width = 1, channels = 1] = image;
  const shape = placeWindow(context, window, [height, width, channels]);
  const poolShape = pool === undefined
    ? 0
    : placeWindow(context, pool, [...window.output, filters]);
  const places = pool === undefined ? 0 : context.own(context.maxRows * output.length);
  const cells = output.length / filters;
  const scratch = context.scratch(
    exports.conv_forward_scratch(shape, poolShape, filters),
    exports.conv_backward_scratch(shape, filters),
    exports.conv_gradient_scratch(shape, filters),
  );
  return {
    forward(rows) {
      exports.conv_forward(shape, poolShape, x, w.at, b, y, places, rows, filters, scratch);
    },
    backward(rows) {
      // Before the gradient of the filters, which may overwrite them.
      if (dx !== 0) {
        exports.conv_backward(shape, dy, places, cells, w.at, dx, rows, filters, scratch);
      }
      const { distance, add } = target;
      const dw = w.at + distance, db = useBias ? b + distance : 0;
      exports.conv_gradient(shape, x, dy, places, cells, dw, db, rows, filters, add, scratch);
    },
    ...clippedOp(context, {
      length: parameterValues(context),
      backward(rows) {
        if (dx === 0) return;
        exports.conv_backward(shape, dy, places, cells, w.at, dx, rows, filters, scratch);
      },
      gradient(rows) {
        const { distance } = target, dw = w.at + distance, db = useBias ? b + distance : 0;
        exports.conv_gradient(shape, x, dy, places, cells, dw, db, rows, filters, 1, scratch);
      },
      gradientOfRow(row, dw) {
        const image = rowAt(x, row, at(context.inputs, 0).length);
        const gradient = rowAt(dy, row, output.length), from = rowAt(places, row, output.length);
        const db = useBias ? rowAt(dw, 1, w.length) : 0;
        exports.conv_gradient(shape, image, gradient, from, cells, dw, db, 1, filters, 0, scratch);
      },
    }),
  };
}

/**
 * Pooling of images `[H, W, C]` to `[OH, OW, C]`: the maximum where `isMax`, else the mean, under
 * each window.
 */
export function poolOp(context: OpContext, isMax: boolean, window: Window2D, image: Shape): Op {
  const { exports, output: { at: y }, outputGradient: dy } = context;
  const x = at(context.inputs, 0).at, dx = at(context.inputGradients, 0);
  const [height = 1, width = 1, channels = 1] = image;
  const shape = placeWindow(context, window, [height, width, channels]);
  return {
    forward(rows) {
      if (isMax) exports.max_pool_forward(shape, x, y, rows);
      else exports.average_pool_forward(shape, x, y, rows);
    },
    backward(rows) {
      if (dx === 0) return;
      if (isMax) exports.max_pool_backward(shape, x, y, dy, dx, rows);
      else exports.average_pool_backward(shape, dy, dx, rows);
    },
  };
}

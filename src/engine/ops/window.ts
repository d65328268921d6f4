import type { Pointer } from "../../params/instance.ts";
import type { Layer, Shape, Window2D } from "../graph/graph.ts";
import { at, type Op, type OpContext } from "./op.ts";

/** The window that covers an image of so many pixels. */
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

/** The kernels' `Window`. */
export function placeWindow(
  context: OpContext,
  window: Window2D,
  [height, width, channels]: readonly [number, number, number],
): Pointer {
  const { size, strides, dilation, padTop, padLeft, output } = window;
  return context.constants([
    ...[height, width, channels],
    ...output,
    ...size,
    ...strides,
    ...dilation,
    ...[padTop, padLeft],
  ]);
}

/** Values that the kernels of a convolution keep between their steps; they say which. */
function roomOf(
  { size, strides, dilation, output }: Window2D,
  channels: number,
  filters: number,
): number {
  const depth = size[0] * size[1] * channels, long = Math.ceil(depth / 4) * 4;
  const pixels = output[0] * output[1];
  const reach = (axis: 0 | 1) =>
    (output[axis] - 1) * strides[axis] + (size[axis] - 1) * dilation[axis] + 1;
  const padded = reach(0) * reach(1) * channels;
  const direct = padded + (Math.max(pixels, filters) + filters) * long + filters + pixels +
    2 * pixels * filters + 4;
  const winograd = 36 * (channels * filters + 24 * (channels + filters) + 32) +
    Math.max(channels, filters) + depth * filters;
  return Math.max(direct, winograd) + 4 * pixels * filters;
}

/** A convolution with a window of its own for each filter; with a pool, the greatest of its results under each of the pool's windows. */
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
  const scratch = context.scratch(roomOf(window, channels, filters));
  return {
    forward(rows) {
      exports.conv_forward(shape, poolShape, x, w.at, b, y, places, rows, filters, scratch);
    },
    backward(rows) {
      // Before the gradient of the filters, which may go into the filters themselves.
      if (dx !== 0) {
        exports.conv_backward(shape, dy, places, cells, w.at, dx, rows, filters, scratch);
      }
      const { distance, add } = target;
      const dw = w.at + distance, db = useBias ? b + distance : 0;
      exports.conv_gradient(shape, x, dy, places, cells, dw, db, rows, filters, add, scratch);
    },
  };
}

/** The greatest or the mean value under each window. */
export function poolOp(context: OpContext, most: boolean, window: Window2D, image: Shape): Op {
  const { exports, output: { at: y }, outputGradient: dy } = context;
  const x = at(context.inputs, 0).at, dx = at(context.inputGradients, 0);
  const [height = 1, width = 1, channels = 1] = image;
  const shape = placeWindow(context, window, [height, width, channels]);
  return {
    forward(rows) {
      if (most) exports.max_pool_forward(shape, x, y, rows);
      else exports.average_pool_forward(shape, x, y, rows);
    },
    backward(rows) {
      if (dx === 0) return;
      if (most) exports.max_pool_backward(shape, x, y, dy, dx, rows);
      else exports.average_pool_backward(shape, dy, dx, rows);
    },
  };
}

import type { Layer } from "../graph/graph.ts";
import { clippedOp, parameterValues, rowAt } from "./clip.ts";
import { at, type Op, type OpContext } from "./op.ts";

/**
 * Dense layer over the last axis, `y = x * w + b` with weights `[inputs, outputs]`. With `relu` it
 * is `y = max(0, x * w + b)`, and the gradient that comes back is already masked.
 */
export function denseOp(
  context: OpContext,
  { units: outputs, useBias }: Layer & { type: "dense" },
  relu: boolean,
): Op {
  const { exports, target, output, outputGradient: dy } = context;
  const input = at(context.inputs, 0), dx = at(context.inputGradients, 0);
  const perRow = output.length / outputs, inputs = input.length / perRow;
  const x = input.at, y = output.at;
  const w = at(context.parameters, 0).at;
  const b = useBias ? at(context.parameters, 1).at : 0;
  const scratch = context.scratch(
    exports.dense_forward_scratch(inputs),
    exports.dense_backward_scratch(context.maxRows * perRow, outputs),
    exports.dense_input_scratch(outputs),
  );
  const clip = relu ? 1 : 0;
  return {
    ...!relu && perRow === 1 && { dense: { x, y, dy, w, b, scratch, inputs, outputs } },
    forward(rows) {
      exports.dense_forward(x, w, b, y, rows * perRow, inputs, outputs, clip, scratch);
    },
    backward(rows) {
      const { distance, add } = target;
      const dw = w + distance, db = useBias ? b + distance : 0;
      exports.dense_backward(x, dy, w, dx, dw, db, rows * perRow, inputs, outputs, add, scratch);
    },
    ...clippedOp(context, {
      length: parameterValues(context),
      backward(rows) {
        if (dx !== 0) exports.dense_input(dy, w, dx, rows * perRow, inputs, outputs, scratch);
      },
      gradient(rows) {
        const { distance } = target, dw = w + distance, db = useBias ? b + distance : 0;
        exports.dense_backward(x, dy, w, 0, dw, db, rows * perRow, inputs, outputs, 1, scratch);
      },
      ...perRow === 1 && {
        squares: (rows, to) =>
          exports.dense_squares(x, dy, rows, inputs, outputs, useBias ? 1 : 0, to),
      },
      gradientOfRow(row, dw) {
        const ofRow = rowAt(x, row, input.length), dyOfRow = rowAt(dy, row, output.length);
        const db = useBias ? rowAt(dw, 1, inputs * outputs) : 0;
        exports.dense_backward(ofRow, dyOfRow, w, 0, dw, db, perRow, inputs, outputs, 0, scratch);
      },
    }),
  };
}

/**
 * Leaky ReLU, `y = x` where `x > 0`, else `y = slope * x`. It works in place where input and output
 * have one place. With `done` the layer before it has done the forward pass.
 */
export function leakyReluOp(context: OpContext, slope: number, done: boolean): Op {
  const { exports, output: { at: y, length }, outputGradient: dy } = context;
  const x = at(context.inputs, 0).at, dx = at(context.inputGradients, 0);
  return {
    forward(rows) {
      if (!done) exports.leaky_relu_forward(x, y, rows * length, slope);
    },
    backward(rows) {
      if (dx !== 0) exports.leaky_relu_backward(y, dy, dx, rows * length, slope);
    },
  };
}

/** Sigmoid or tanh, value by value; in place where input and output have one place. */
export function curveOp(context: OpContext, name: "sigmoid" | "tanh"): Op {
  const { exports, output: { at: y, length }, outputGradient: dy } = context;
  const x = at(context.inputs, 0).at, dx = at(context.inputGradients, 0);
  const isTanh = name === "tanh";
  return {
    forward(rows) {
      if (isTanh) exports.tanh_forward(x, y, rows * length);
      else exports.sigmoid_forward(x, y, rows * length);
    },
    backward(rows) {
      if (dx === 0) return;
      if (isTanh) exports.tanh_backward(y, dy, dx, rows * length);
      else exports.sigmoid_backward(y, dy, dx, rows * length);
    },
  };
}

/** GELU, value by value. The backward pass reads the input, so it never works in place. */
export function geluOp(context: OpContext, name: "gelu" | "geluNew"): Op {
  const { exports, output: { at: y, length }, outputGradient: dy } = context;
  const x = at(context.inputs, 0).at, dx = at(context.inputGradients, 0);
  const approximate = name === "gelu" ? 0 : 1;
  return {
    forward(rows) {
      exports.gelu_forward(x, y, rows * length, approximate);
    },
    backward(rows) {
      if (dx !== 0) exports.gelu_backward(x, dy, dx, rows * length, approximate);
    },
  };
}

/**
 * Softmax over the last axis of `classes` values; in place where input and output have one place.
 */
export function softmaxOp(context: OpContext, classes: number): Op {
  const { exports, output: { at: y, length }, outputGradient: dy } = context;
  const x = at(context.inputs, 0).at, dx = at(context.inputGradients, 0);
  const perRow = length / classes;
  return {
    forward(rows) {
      exports.softmax_forward(x, y, rows * perRow, classes);
    },
    backward(rows) {
      if (dx !== 0) exports.softmax_backward(y, dy, dx, rows * perRow, classes);
    },
  };
}

/** Sum of two or more inputs of one shape. */
export function addOp(context: OpContext): Op {
  const { exports, output: { at: y, length }, outputGradient: dy, inputGradients } = context;
  const [first = 0, second = 0, ...others] = context.inputs.map((input) => input.at);
  return {
    forward(rows) {
      exports.add(first, second, y, rows * length);
      for (const other of others) exports.add(y, other, y, rows * length);
    },
    backward(rows) {
      for (const dx of inputGradients) {
        if (dx !== 0) exports.duplicate(dy, dx, rows * length);
      }
    },
  };
}

import { at, type Op, type OpContext } from "./op.ts";

/**
 * Inverted dropout: in training `y = x * mask`, where `mask` is 0 with the probability `rate` and
 * else `1 / (1 - rate)`; in inference `y = x`.
 */
export function dropoutOp(context: OpContext, rate: number): Op {
  const { exports, stream, output: { at: y, length }, outputGradient: dy } = context;
  const x = at(context.inputs, 0).at, dx = at(context.inputGradients, 0);
  const mask = context.own(context.maxRows * length);
  const least = Math.min(Math.round(rate * 2 ** 32), 2 ** 32 - 1), factor = 1 / (1 - rate);
  return {
    forward(rows, training) {
      if (training) exports.dropout_forward(x, y, mask, rows * length, least, factor, stream);
      else exports.duplicate(x, y, rows * length);
    },
    backward(rows) {
      if (dx !== 0) exports.multiply(dy, mask, dx, rows * length);
    },
  };
}

import type { Layer } from "../graph/graph.ts";
import type { Pointer } from "../../params/instance.ts";
import { at, type Op, type OpContext } from "./op.ts";

/**
 * Batch normalization over all axes but the last,
 * `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`: in training by the batch's own mean
 * and variance, which the moving ones follow, else by the moving ones. A frozen layer always uses
 * the moving ones, as in Keras 2, and leaves them as they are.
 */
export function normOp(
  context: OpContext,
  { momentum, epsilon, center, scale, frozen }: Layer & { type: "batchNorm" },
): Op {
  const { exports, target, output, outputGradient: dy } = context;
  const x = at(context.inputs, 0).at, dx = at(context.inputGradients, 0), y = output.at;
  const places = context.parameters.map(({ at }) => at);
  const gamma = scale ? at(places, 0) : 0, beta = center ? at(places, scale ? 1 : 0) : 0;
  const mean = at(places, places.length - 2), variance = at(places, places.length - 1);
  const channels = at(context.parameters, places.length - 1).length;
  const perRow = output.length / channels;
  const saved = context.own(2 * channels);
  const scratch = context.scratch(
    exports.batch_norm_train_scratch(channels),
    exports.batch_norm_judge_scratch(channels),
    exports.batch_norm_backward_scratch(channels),
  );
  const rate = 1 - momentum;
  const judge = (from: Pointer, to: Pointer, center: Pointer, shift: Pointer, rows: number) =>
    exports.batch_norm_judge(
      from,
      to,
      gamma,
      shift,
      center,
      variance,
      rows * perRow,
      channels,
      epsilon,
      scratch,
    );
  if (frozen) {
    // Nothing writes to this memory: it holds zeros.
    const zeros = saved;
    return {
      forward: (rows) => judge(x, y, mean, beta, rows),
      // The layer is linear: dx = gamma * dy / sqrt(variance + epsilon).
      backward(rows) {
        if (dx !== 0) judge(dy, dx, zeros, 0, rows);
      },
    };
  }
  return {
    forward(rows, training) {
      const count = rows * perRow;
      if (training) {
        exports.batch_norm_train(
          x,
          y,
          saved,
          gamma,
          beta,
          mean,
          variance,
          count,
          channels,
          rate,
          epsilon,
          scratch,
        );
      } else {
        judge(x, y, mean, beta, rows);
      }
    },
    backward(rows) {
      const { distance, add } = target;
      exports.batch_norm_backward(
        x,
        dy,
        dx,
        saved,
        gamma,
        scale ? gamma + distance : 0,
        center ? beta + distance : 0,
        rows * perRow,
        channels,
        add,
        scratch,
      );
    },
  };
}

/**
 * Layer normalization over the last axis,
 * `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta` (Ba et al. 2016).
 */
export function layerNormOp(
  context: OpContext,
  { epsilon, center, scale }: Layer & { type: "layerNorm" },
): Op {
  const { exports, target, maxRows, output, outputGradient: dy } = context;
  const x = at(context.inputs, 0).at, dx = at(context.inputGradients, 0);
  const places = context.parameters.map(({ at }) => at);
  const gamma = scale ? at(places, 0) : 0, beta = center ? at(places, scale ? 1 : 0) : 0;
  const length = context.shape.at(-1) ?? 1, perRow = output.length / length;
  const saved = context.own(2 * maxRows * perRow);
  return {
    forward(rows) {
      const count = rows * perRow;
      exports.layer_norm_forward(x, gamma, beta, output.at, saved, count, length, epsilon);
    },
    backward(rows) {
      const { distance, add } = target;
      exports.layer_norm_backward(
        x,
        gamma,
        saved,
        dy,
        dx,
        scale ? gamma + distance : 0,
        center ? beta + distance : 0,
        rows * perRow,
        length,
        add,
      );
    },
  };
}

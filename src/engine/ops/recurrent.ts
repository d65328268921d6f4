import type { RecurrentLayer } from "../graph/graph.ts";
import type { Pointer } from "../../params/instance.ts";
import { CELLS, type Places } from "./cells.ts";
import { at, type Op, type OpContext } from "./op.ts";

const BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Place of a direction's output among the values of a row, and of its gradients. */
export interface Direction {
  /** Values of a step before the first one of this direction. */
  readonly before: number;
  /** Values of a step of the output. */
  readonly width: number;
  /** True if the steps of the output are in the order of the input, not in that of the passes. */
  readonly inOrder: boolean;
  /** True if the output and the gradient of the input are added to what is there. */
  readonly adds: { readonly output: boolean; readonly gradient: boolean };
}

/**
 * Recurrent layer over sequences `[steps, inputs]`, to the states of all steps `[steps, units]`, or
 * to the last one `[units]`. A second input is the sequence whose zeros are padding: there the
 * state of the step before stays.
 *
 * The kernels take sequences step by step, `[steps, rows, length]`, so input and output are copied.
 */
export function recurrentOp(
  context: OpContext,
  layer: RecurrentLayer,
  { before, width, inOrder, adds }: Direction = alone(layer),
): Op {
  const { exports, maxRows, output, outputGradient: dy } = context;
  const { units, useBias, returnSequences } = layer;
  const input = at(context.inputs, 0), dx = at(context.inputGradients, 0);
  const masked = context.inputs[1];
  const { steps } = layer, inputs = input.length / steps;
  const places = context.parameters.map(({ at }) => at);
  const bias = useBias ? at(places, 2) : 0;
  const peepholes = layer.peepholes ? at(places, useBias ? 3 : 2) : 0;
  const cell = CELLS[layer.cell]({
    context,
    layer,
    sizes: { steps, inputs, units },
    weights: [at(places, 0), at(places, 1), bias, peepholes],
  });
  const states = (rows: number) => (steps + 1) * rows * units;
  const xs = (rows: number) => steps * rows * inputs;
  const masks = masked === undefined ? 0 : steps * maxRows;
  const memory = context.own(xs(maxRows) + 2 * masks + states(maxRows) + cell.own(maxRows));
  const outputs = returnSequences ? steps : 1;
  const kernels = cell.scratch(maxRows);
  const scratch = context.scratch(
    kernels + outputs * maxRows * units + (dx === 0 ? 0 : xs(maxRows)),
  );
  const reverse = layer.backwards ? 1 : 0, turned = inOrder ? reverse : 0;
  const skip = before * BYTES;
  const mask = masked === undefined ? 0 : memory + xs(maxRows) * BYTES;
  const h = memory + (xs(maxRows) + 2 * masks) * BYTES;
  const all: Places = { x: memory, mask, h, own: h + states(maxRows) * BYTES, scratch };
  // States of a step, the first of which is the initial one.
  const begins = [h, ...cell.hasCells ? [all.own] : []];
  const toLast = steps * units * BYTES;
  for (const begin of begins) context.states?.push({ at: begin + toLast, length: units });
  const begin = (rows: number) => {
    for (const place of begins) {
      if (context.states === undefined) exports.clear(place, rows * units);
      else exports.to_steps(place + toLast, place, 1, 1, units, units, units, 0);
    }
  };
  const isStep = context.states !== undefined && steps === 1 && masked === undefined;
  // Values behind the steps that are computed count for nothing, but must be numbers.
  const clearTail = (place: Pointer, rows: number, count: number, length: number) => {
    for (let row = 0; count < steps && row < rows; row++) {
      exports.clear(place + (row * steps + count) * length * BYTES, (steps - count) * length);
    }
  };
  const dys = scratch + kernels * BYTES, dxs = dys + outputs * maxRows * units * BYTES;
  return {
    forward(rows) {
      const count = Math.min(steps, context.extent?.steps ?? steps);
      exports.to_steps(input.at, memory, rows, count, inputs, steps * inputs, inputs, reverse);
      if (masked !== undefined) {
        const ones = mask + masks * BYTES;
        exports.mask_of(masked.at, ones, rows * steps);
        exports.to_steps(ones, mask, rows, count, 1, steps, 1, reverse);
      }
      begin(rows);
      if (isStep && cell.step) cell.step(all);
      else cell.forward(all, rows, count);
      const first = returnSequences ? 1 : steps;
      const from = h + first * rows * units * BYTES;
      const { at: y, length } = output, given = returnSequences ? count : 1;
      const add = adds.output ? 1 : 0;
      exports.from_steps(from, y + skip, rows, given, units, length, width, turned, add);
      clearTail(y, rows, count, width);
    },
    backward(rows) {
      const count = Math.min(steps, context.extent?.steps ?? steps);
      const taken = returnSequences ? count : 1;
      exports.to_steps(dy + skip, dys, rows, taken, units, output.length, width, turned);
      cell.backward(all, dys, dx === 0 ? 0 : dxs, rows, count);
      if (dx === 0) return;
      const add = adds.gradient ? 1 : 0;
      exports.from_steps(dxs, dx, rows, count, inputs, steps * inputs, inputs, reverse, add);
      clearTail(dx, rows, count, inputs);
    },
  };
}

/** Returns the place of the only direction of a layer. */
function alone({ units }: RecurrentLayer): Direction {
  return { before: 0, width: units, inOrder: false, adds: { output: false, gradient: false } };
}

/**
 * Mean over the steps of sequences `[steps, length]`; the second input is the sequence whose zeros
 * are padding, which is left out.
 */
export function maskedMeanOp(context: OpContext): Op {
  const { exports, output: { at: y, length }, outputGradient: dy } = context;
  const x = at(context.inputs, 0), words = at(context.inputs, 1).at;
  const dx = at(context.inputGradients, 0), steps = x.length / length;
  return {
    forward(rows) {
      exports.masked_mean_forward(x.at, words, y, rows, steps, length);
    },
    backward(rows) {
      if (dx !== 0) exports.masked_mean_backward(dy, words, dx, rows, steps, length);
    },
  };
}

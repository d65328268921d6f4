import type { Pointer } from "../../params/instance.ts";
import type { BidirectionalLayer } from "../graph/graph.ts";
import type { Op, OpContext } from "./op.ts";
import { type Direction, recurrentOp } from "./recurrent.ts";

const BYTES = Float32Array.BYTES_PER_ELEMENT;

/**
 * Recurrent layer in both directions over sequences `[steps, inputs]`, to `[steps, width]`, or to
 * `[width]` where each direction gives its last state alone. With `concat` a step has the `units`
 * values of the first direction and then those of the second, else `units` values: their sum, their
 * product or their mean (Schuster and Paliwal 1997). Step `t` of the output has the states of both
 * directions after they read step `t` of the input.
 */
export function bidirectionalOp(
  context: OpContext,
  { layer, merge }: BidirectionalLayer,
): Op {
  const { exports, maxRows, output, outputGradient: dy, parameters } = context;
  const each = parameters.length / 2, { units } = layer;
  const width = merge === "concat" ? 2 * units : units;
  // A product needs both sides again.
  const sides = merge === "mul" ? maxRows * output.length : 0;
  let memory: Pointer = 0, own = 0;
  const sideAt = (k: number) => memory + (2 * own + k * sides) * BYTES;
  const contextOf = (k: 0 | 1): OpContext => ({
    ...context,
    ...(merge === "mul" && {
      output: { at: sideAt(k), length: output.length },
      outputGradient: sideAt(2 + k),
    }),
    parameters: parameters.slice(k * each, (k + 1) * each),
    states: undefined,
    extent: undefined,
    // Both directions need as much.
    own: (values) => {
      own = values;
      memory = context.own(2 * values + 4 * sides);
      return memory + k * values * BYTES;
    },
  });
  const directionOf = (k: 0 | 1): Direction => ({
    before: merge === "concat" ? k * units : 0,
    width,
    inOrder: layer.returnSequences,
    adds: { output: k === 1 && (merge === "sum" || merge === "ave"), gradient: k === 1 },
  });
  const make = (k: 0 | 1) =>
    recurrentOp(contextOf(k), { ...layer, backwards: k === 1 }, directionOf(k));
  // The first ops tell how much memory of their own there is.
  make(0);
  const first = make(0), second = make(1);
  const view = (place: Pointer, rows: number) =>
    new Float32Array(exports.memory.buffer, place, rows * output.length);
  const halve = (place: Pointer, rows: number) => {
    const values = view(place, rows);
    for (let i = 0; i < values.length; i++) values[i] = 0.5 * (values[i] ?? 0);
  };
  const multiply = (to: Pointer, one: Pointer, other: Pointer, rows: number) => {
    const product = view(to, rows), a = view(one, rows), b = view(other, rows);
    for (let i = 0; i < product.length; i++) product[i] = (a[i] ?? 0) * (b[i] ?? 0);
  };
  return {
    forward(rows, training) {
      first.forward(rows, training);
      second.forward(rows, training);
      if (merge === "ave") halve(output.at, rows);
      if (merge === "mul") multiply(output.at, sideAt(0), sideAt(1), rows);
    },
    backward(rows) {
      if (merge === "ave") halve(dy, rows);
      if (merge === "mul") {
        multiply(sideAt(2), dy, sideAt(1), rows);
        multiply(sideAt(3), dy, sideAt(0), rows);
      }
      first.backward(rows);
      second.backward(rows);
    },
  };
}

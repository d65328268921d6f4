import type { Pointer } from "../../params/instance.ts";
import type { RecurrentLayer } from "../graph/graph.ts";
import type { OpContext } from "./op.ts";

const BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Sizes of a recurrent layer. */
interface Sizes {
  readonly steps: number;
  readonly inputs: number;
  readonly units: number;
}

/** Places of a pass over the sequences of a batch, step by step. */
export interface Places {
  /** Input `[steps, rows, inputs]`. */
  readonly x: Pointer;
  /** Mask `[steps, rows]`; 0 where there is none. */
  readonly mask: Pointer;
  /** States `[steps + 1, rows, units]`, the first of which is the initial state. */
  readonly h: Pointer;
  /** Memory of the cell's own, of which initial cells are set. */
  readonly own: Pointer;
  readonly scratch: Pointer;
}

/** Kernels of a kind of cell. */
interface Cell {
  /** True if its own memory begins with cells, which lie as the states do. */
  readonly hasCells: boolean;
  /** Number of values of its own memory, for `rows` rows. */
  own(rows: number): number;
  /** Number of values of scratch memory, for `rows` rows. */
  scratch(rows: number): number;
  /** Computes the first `count` steps. */
  forward(places: Places, rows: number, count: number): void;
  /** Takes a step of one row, in less time than the pass of one step. */
  step?(places: Places): void;
  /** Computes the gradients from `dy`, that of the states, or of the last one alone. */
  backward(places: Places, dy: Pointer, dx: Pointer, rows: number, count: number): void;
}

/** Options of a cell: the layer, its sizes, and the places of its weights. */
interface CellOptions {
  readonly context: OpContext;
  readonly layer: RecurrentLayer;
  readonly sizes: Sizes;
  /** Places of kernel, recurrent kernel, bias and peepholes; 0 where there is none. */
  readonly weights: readonly [w: Pointer, u: Pointer, b: Pointer, peepholes: Pointer];
}

function lstm({ context, layer, sizes, weights }: CellOptions): Cell {
  const { exports, target } = context, { steps, inputs, units } = sizes;
  const [w, u, b, peepholes] = weights;
  const hard = layer.hard ? 1 : 0, lastOnly = layer.returnSequences ? 0 : 1;
  const cells = (rows: number) => (steps + 1) * rows * units;
  return {
    hasCells: true,
    own: (rows) => cells(rows) + 4 * steps * rows * units,
    scratch: (rows) =>
      Math.max(
        exports.lstm_forward_scratch(steps, rows, inputs, units),
        exports.lstm_backward_scratch(steps, rows, inputs, units),
      ),
    forward({ x, mask, h, own, scratch }, rows, count) {
      const gates = own + cells(rows) * BYTES;
      exports.lstm_forward(
        x,
        w,
        u,
        b,
        peepholes,
        mask,
        gates,
        own,
        h,
        count,
        rows,
        inputs,
        units,
        hard,
        scratch,
      );
    },
    step({ x, h, own }) {
      const gates = own + cells(1) * BYTES;
      exports.lstm_step(x, w, u, b, peepholes, gates, own, h, inputs, units, hard);
    },
    backward({ x, mask, h, own, scratch }, dy, dx, rows, count) {
      const { distance, add } = target;
      exports.lstm_backward(
        x,
        w,
        u,
        peepholes,
        mask,
        own + cells(rows) * BYTES,
        own,
        h,
        dy,
        dx,
        w + distance,
        u + distance,
        moved(b, distance),
        moved(peepholes, distance),
        count,
        rows,
        inputs,
        units,
        hard,
        lastOnly,
        add,
        scratch,
      );
    },
  };
}

function gru({ context, layer, sizes, weights: [w, u, b] }: CellOptions): Cell {
  const { exports, target } = context, { steps, inputs, units } = sizes;
  const hard = layer.hard ? 1 : 0, lastOnly = layer.returnSequences ? 0 : 1;
  const after = layer.resetAfter ? 1 : 0;
  // The second row of the bias is that of the product with the state.
  const second = layer.resetAfter ? moved(b, 3 * units * BYTES) : 0;
  const gates = (rows: number) => 3 * steps * rows * units;
  return {
    hasCells: false,
    own: (rows) => gates(rows) + steps * rows * units,
    scratch: (rows) =>
      Math.max(
        exports.gru_forward_scratch(steps, rows, inputs, units),
        exports.gru_backward_scratch(steps, rows, inputs, units),
      ),
    forward({ x, mask, h, own, scratch }, rows, count) {
      exports.gru_forward(
        x,
        w,
        u,
        b,
        second,
        mask,
        own,
        own + gates(rows) * BYTES,
        h,
        count,
        rows,
        inputs,
        units,
        hard,
        after,
        scratch,
      );
    },
    backward({ x, mask, h, own, scratch }, dy, dx, rows, count) {
      const { distance, add } = target;
      exports.gru_backward(
        x,
        w,
        u,
        mask,
        own,
        own + gates(rows) * BYTES,
        h,
        dy,
        dx,
        w + distance,
        u + distance,
        moved(b, distance),
        moved(second, distance),
        count,
        rows,
        inputs,
        units,
        hard,
        after,
        lastOnly,
        add,
        scratch,
      );
    },
  };
}

function simpleRnn({ context, layer, sizes, weights: [w, u, b] }: CellOptions): Cell {
  const { exports, target } = context, { steps, inputs, units } = sizes;
  const lastOnly = layer.returnSequences ? 0 : 1;
  return {
    hasCells: false,
    own: (rows) => steps * rows * units,
    scratch: (rows) =>
      Math.max(
        exports.simple_rnn_forward_scratch(steps, rows, inputs, units),
        exports.simple_rnn_backward_scratch(steps, rows, inputs, units),
      ),
    forward({ x, mask, h, scratch }, rows, count) {
      exports.simple_rnn_forward(x, w, u, b, mask, h, count, rows, inputs, units, scratch);
    },
    backward({ x, mask, h, own, scratch }, dy, dx, rows, count) {
      const { distance, add } = target;
      exports.simple_rnn_backward(
        x,
        w,
        u,
        mask,
        h,
        own,
        dy,
        dx,
        w + distance,
        u + distance,
        moved(b, distance),
        count,
        rows,
        inputs,
        units,
        lastOnly,
        add,
        scratch,
      );
    },
  };
}

/** Kernels of the kinds of cells. */
export const CELLS = { lstm, gru, simpleRnn };

/** Returns a place a number of bytes on; 0, for no place, stays 0. */
function moved(place: Pointer, distance: number): Pointer {
  return place === 0 ? 0 : place + distance;
}

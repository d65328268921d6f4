import type { BidirectionalLayer, RecurrentLayer } from "../../src/engine/graph/graph.ts";

/**
 * A sequence through a recurrent layer, by the layer's definition and in float64.
 *
 * @param words Sequence whose zeros are padding.
 */
export function referenceRecurrent(
  layer: RecurrentLayer,
  x: Float64Array,
  words: Float64Array | undefined,
  weights: readonly Float64Array[],
): Float64Array {
  const { cell, units, steps, hard } = layer;
  const [w = new Float64Array(), u = new Float64Array()] = weights;
  const b = layer.useBias ? weights[2] : undefined;
  const peepholes = layer.peepholes ? weights[layer.useBias ? 3 : 2] : undefined;
  const inputs = x.length / steps, wide = u.length / units;
  const sigmoid = (z: number) =>
    hard ? Math.min(1, Math.max(0, 0.2 * z + 0.5)) : 1 / (1 + Math.exp(-z));
  const all = new Float64Array(steps * units);
  let h = new Float64Array(units), c = new Float64Array(units);
  for (let turn = 0; turn < steps; turn++) {
    const t = layer.backwards ? steps - 1 - turn : turn;
    if (!words || words[t] !== 0) {
      const fromX = (column: number) => {
        let sum = b?.[column] ?? 0;
        for (let k = 0; k < inputs; k++) sum += x[t * inputs + k]! * w[k * wide + column]!;
        return sum;
      };
      const product = (state: Float64Array, column: number) =>
        state.reduce((sum, value, k) => sum + value * u[k * wide + column]!, 0);
      const state = h;
      const fromH = (column: number) =>
        product(state, column) + (layer.resetAfter ? b?.[wide + column] ?? 0 : 0);
      const sum = (gate: number, j: number) => fromX(gate * units + j) + fromH(gate * units + j);
      if (cell === "simpleRnn") {
        h = h.map((_, j) => Math.tanh(sum(0, j)));
      } else if (cell === "lstm") {
        const peep = (gate: number, j: number, value: number) =>
          peepholes ? peepholes[gate * units + j]! * value : 0;
        const before = c;
        c = c.map((old, j) =>
          sigmoid(sum(1, j) + peep(1, j, old)) * old +
          sigmoid(sum(0, j) + peep(0, j, before[j]!)) * Math.tanh(sum(2, j))
        );
        h = h.map((_, j) => sigmoid(sum(3, j) + peep(2, j, c[j]!)) * Math.tanh(c[j]!));
      } else {
        const reset = h.map((_, j) => sigmoid(sum(1, j)));
        const mixed = h.map((value, j) => value * reset[j]!);
        h = h.map((old, j) => {
          const column = 2 * units + j;
          const inner = layer.resetAfter ? reset[j]! * fromH(column) : product(mixed, column);
          const keep = sigmoid(sum(0, j));
          return keep * old + (1 - keep) * Math.tanh(fromX(column) + inner);
        });
      }
    }
    all.set(h, turn * units);
  }
  return layer.returnSequences ? all : h;
}

/** A sequence through a recurrent layer in both directions, by its definition and in float64. */
export function referenceBidirectional(
  { layer, merge }: BidirectionalLayer,
  x: Float64Array,
  words: Float64Array | undefined,
  weights: readonly Float64Array[],
): Float64Array {
  const { units, steps } = layer, half = weights.length / 2;
  const a = referenceRecurrent(layer, x, words, weights.slice(0, half));
  const turned = { ...layer, backwards: true };
  const read = referenceRecurrent(turned, x, words, weights.slice(half));
  const count = layer.returnSequences ? steps : 1;
  const b = read.map((_, i) => read[(count - 1 - Math.floor(i / units)) * units + i % units]!);
  if (merge !== "concat") {
    return a.map((value, i) =>
      merge === "sum" ? value + b[i]! : merge === "mul" ? value * b[i]! : (value + b[i]!) / 2
    );
  }
  const both = Array.from({ length: count }, (_, t) => [
    ...a.subarray(t * units, (t + 1) * units),
    ...b.subarray(t * units, (t + 1) * units),
  ]);
  return Float64Array.from(both.flat());
}

import type { Pointer } from "../params/instance.ts";
import type { AdapterTarget } from "../train/models/encoder/encoder_model.ts";
import {
  type AdapterPlaces,
  BYTES,
  type DensePlaces,
  type LayerAdapters,
  type LayerPlaces,
  type LayerValues,
  type Machine,
  type NormPlaces,
} from "./places.ts";

/** Part of a layer from its input on: that of query, key and value, then the other dense layers. */
const STAGES: Readonly<Record<AdapterTarget, number>> = {
  query: 0,
  key: 0,
  value: 0,
  output: 1,
  ffn_in: 2,
  ffn_out: 3,
};
/** Place of each part of the product of query, key and value. */
const PARTS = [["query", 0], ["key", 1], ["value", 2]] as const;

/** Layer of an encoder with its adapters, in memory. */
export interface LayerInMemory {
  readonly weights: LayerPlaces;
  readonly values: LayerValues;
  readonly adapters: LayerAdapters;
  /** Place of its input, `[tokens, width]`. */
  readonly input: Pointer;
}

/**
 * Computes a layer of BERT (Devlin et al. 2019), `h = norm(x + attention(x))` and
 * `y = norm(h + W2 gelu(W1 h))`, for the packed tokens of the batch.
 */
export function layerForward(machine: Machine, layer: LayerInMemory): void {
  const { exports, shape, starts, shared: { scratch }, batch } = machine;
  const { weights, values, input } = layer, { tokens } = batch;
  const { width, heads, inner } = shape;
  dense(machine, weights.qkv, input, values.qkv);
  for (const [target, part] of PARTS) {
    adapt(machine, layer, target, input, values.qkv + part * width * BYTES, 3 * width);
  }
  exports.attention_forward(
    values.qkv,
    starts,
    values.shares,
    values.attended,
    batch.texts,
    heads,
    width / heads,
    batch.longest,
    0,
    scratch,
  );
  dense(machine, weights.output, values.attended, values.sum1);
  adapt(machine, layer, "output", values.attended, values.sum1, width);
  exports.add(values.sum1, input, values.sum1, tokens * width);
  normalize(machine, weights.norm1, values.sum1, values.saved1, values.hidden);
  dense(machine, weights.ffnIn, values.hidden, values.wide);
  adapt(machine, layer, "ffn_in", values.hidden, values.wide, inner);
  exports.gelu_forward(values.wide, values.active, tokens * inner, approximate(machine));
  dense(machine, weights.ffnOut, values.active, values.sum2);
  adapt(machine, layer, "ffn_out", values.active, values.sum2, width);
  exports.add(values.sum2, values.hidden, values.sum2, tokens * width);
  normalize(machine, weights.norm2, values.sum2, values.saved2, values.output);
}

/**
 * Computes the gradients of a layer's adapters from that of its output, in the shared memory, which
 * that of its input replaces where `inputToo` is set. Without, nothing is computed below the lowest
 * adapter.
 *
 * @param add 1 to add to the gradients of the adapters, 0 to replace them.
 */
export function layerBackward(
  machine: Machine,
  layer: LayerInMemory,
  { inputToo, add }: { readonly inputToo: boolean; readonly add: 0 | 1 },
): void {
  const { exports, shape, starts, shared, batch } = machine, { tokens } = batch;
  const { weights, values, adapters, input } = layer;
  const { width, heads, inner } = shape;
  const { gradient, sumGradient, wideGradient, scratch } = shared;
  const stages = Object.keys(adapters).map((target) => STAGES[target as AdapterTarget]);
  const lowest = inputToo ? -1 : Math.min(...stages);
  const backward = (target: AdapterTarget, x: Pointer, dy: Pointer, row: number, dx: Pointer) => {
    const dxWanted = lowest < STAGES[target] ? dx : 0;
    adaptBackward(machine, layer, target, { x, dy, row, dx: dxWanted, add });
  };
  const back = ({ w, inputs, outputs }: DensePlaces, dy: Pointer, dx: Pointer) =>
    exports.dense_input(dy, w, dx, tokens, inputs, outputs, scratch);
  const denormalize = ({ gamma }: NormPlaces, x: Pointer, saved: Pointer) =>
    exports.layer_norm_backward(x, gamma, saved, gradient, sumGradient, 0, 0, tokens, width, 0);

  denormalize(weights.norm2, values.sum2, values.saved2);
  if (lowest < 3) back(weights.ffnOut, sumGradient, wideGradient);
  backward("ffn_out", values.active, sumGradient, width, wideGradient);
  if (lowest >= 3) return;
  exports.gelu_backward(
    values.wide,
    wideGradient,
    wideGradient,
    tokens * inner,
    approximate(machine),
  );
  if (lowest < 2) back(weights.ffnIn, wideGradient, gradient);
  backward("ffn_in", values.hidden, wideGradient, inner, gradient);
  if (lowest >= 2) return;
  exports.add(gradient, sumGradient, gradient, tokens * width);
  denormalize(weights.norm1, values.sum1, values.saved1);
  if (lowest < 1) back(weights.output, sumGradient, gradient);
  backward("output", values.attended, sumGradient, width, gradient);
  if (lowest >= 1) return;
  exports.attention_backward(
    values.qkv,
    starts,
    values.shares,
    gradient,
    wideGradient,
    batch.texts,
    heads,
    width / heads,
    batch.longest,
    scratch,
  );
  if (inputToo) back(weights.qkv, wideGradient, gradient);
  for (const [target, part] of PARTS) {
    backward(target, input, wideGradient + part * width * BYTES, 3 * width, gradient);
  }
  if (inputToo) exports.add(gradient, sumGradient, gradient, tokens * width);
}

function approximate({ shape }: Machine): number {
  return shape.activation === "geluNew" ? 1 : 0;
}

function dense(
  { exports, batch, shared }: Machine,
  { w, b, inputs, outputs }: DensePlaces,
  x: Pointer,
  y: Pointer,
): void {
  exports.dense_forward(x, w, b, y, batch.tokens, inputs, outputs, 0, shared.scratch);
}

function normalize(
  { exports, batch, shape }: Machine,
  { gamma, beta }: NormPlaces,
  x: Pointer,
  saved: Pointer,
  y: Pointer,
): void {
  exports.layer_norm_forward(x, gamma, beta, y, saved, batch.tokens, shape.width, shape.epsilon);
}

/** Returns an adapter with its sizes and the place of its inner values, where there is one. */
function adapterOf(
  { shape: { width, inner } }: Machine,
  { adapters, values }: LayerInMemory,
  target: AdapterTarget,
): (AdapterPlaces & { inputs: number; outputs: number; low: Pointer }) | undefined {
  const adapter = adapters[target], low = values.low[target];
  if (adapter === undefined || low === undefined) return undefined;
  const inputs = target === "ffn_out" ? inner : width;
  return { ...adapter, inputs, outputs: target === "ffn_in" ? inner : width, low };
}

/** Adds the output of an adapter, where there is one. */
function adapt(
  machine: Machine,
  layer: LayerInMemory,
  target: AdapterTarget,
  x: Pointer,
  y: Pointer,
  row: number,
): void {
  const adapter = adapterOf(machine, layer, target);
  if (adapter === undefined) return;
  const { a, b, low, inputs, outputs, rank, scale } = adapter;
  const { exports, batch: { tokens }, shared: { scratch } } = machine;
  exports.lora_forward(x, a, b, low, y, tokens, inputs, outputs, rank, row, scale, scratch);
}

/** Places of {@linkcode adaptBackward}. */
interface AdaptBackward {
  readonly x: Pointer;
  readonly dy: Pointer;
  /** Number of values from one row of `dy` to the next. */
  readonly row: number;
  /** Gradient of the input, which is added to; 0 where it is not wanted. */
  readonly dx: Pointer;
  readonly add: 0 | 1;
}

/** Computes the gradients of an adapter, where there is one. */
function adaptBackward(
  machine: Machine,
  layer: LayerInMemory,
  target: AdapterTarget,
  { x, dy, row, dx, add }: AdaptBackward,
): void {
  const adapter = adapterOf(machine, layer, target);
  if (adapter === undefined) return;
  const { a, b, da, db, low, inputs, outputs, rank, scale } = adapter;
  const { exports, batch: { tokens }, shared: { lowGradient } } = machine;
  exports.lora_backward(
    x,
    a,
    b,
    low,
    dy,
    lowGradient,
    dx,
    da,
    db,
    tokens,
    inputs,
    outputs,
    rank,
    row,
    scale,
    add,
  );
}

import { type Exports, instanceOf, type Pointer } from "../params/instance.ts";
import { Kernels } from "../params/kernels.ts";
import * as engine from "../generated/engine_wasm.ts";

/** Compares a batch's output with its labels; the gradient goes to `dy` unless that is 0. */
export type LossKernel = (
  y: Pointer,
  labels: Pointer,
  dy: Pointer,
  rows: number,
  units: number,
  total: Pointer,
) => void;

/** What the engine's module exports beside the parameter kernels; `wasm/src/train` says what each does. */
export interface EngineExports extends Exports {
  dense_forward(
    x: Pointer,
    w: Pointer,
    b: Pointer,
    y: Pointer,
    rows: number,
    inputs: number,
    outputs: number,
    relu: number,
    scratch: Pointer,
  ): void;
  dense_backward(
    x: Pointer,
    dy: Pointer,
    w: Pointer,
    dx: Pointer,
    dw: Pointer,
    db: Pointer,
    rows: number,
    inputs: number,
    outputs: number,
    add: number,
    scratch: Pointer,
  ): void;
  conv_forward(
    window: Pointer,
    pool: Pointer,
    x: Pointer,
    w: Pointer,
    b: Pointer,
    y: Pointer,
    places: Pointer,
    count: number,
    filters: number,
    scratch: Pointer,
  ): void;
  conv_backward(
    window: Pointer,
    dy: Pointer,
    places: Pointer,
    cells: number,
    w: Pointer,
    dx: Pointer,
    count: number,
    filters: number,
    scratch: Pointer,
  ): void;
  conv_gradient(
    window: Pointer,
    x: Pointer,
    dy: Pointer,
    places: Pointer,
    cells: number,
    w: Pointer,
    b: Pointer,
    count: number,
    filters: number,
    add: number,
    scratch: Pointer,
  ): void;
  max_pool_forward(window: Pointer, x: Pointer, y: Pointer, count: number): void;
  max_pool_backward(
    window: Pointer,
    x: Pointer,
    y: Pointer,
    dy: Pointer,
    dx: Pointer,
    count: number,
  ): void;
  average_pool_forward(window: Pointer, x: Pointer, y: Pointer, count: number): void;
  average_pool_backward(window: Pointer, dy: Pointer, dx: Pointer, count: number): void;
  depthwise_forward(
    window: Pointer,
    x: Pointer,
    w: Pointer,
    b: Pointer,
    y: Pointer,
    count: number,
    multiplier: number,
    scratch: Pointer,
  ): void;
  depthwise_backward(
    window: Pointer,
    dy: Pointer,
    w: Pointer,
    dx: Pointer,
    count: number,
    multiplier: number,
    scratch: Pointer,
  ): void;
  depthwise_gradient(
    window: Pointer,
    x: Pointer,
    dy: Pointer,
    w: Pointer,
    b: Pointer,
    count: number,
    multiplier: number,
    add: number,
    scratch: Pointer,
  ): void;
  batch_norm_train(
    x: Pointer,
    y: Pointer,
    saved: Pointer,
    gamma: Pointer,
    beta: Pointer,
    movingMean: Pointer,
    movingVariance: Pointer,
    count: number,
    channels: number,
    rate: number,
    epsilon: number,
    scratch: Pointer,
  ): void;
  batch_norm_judge(
    x: Pointer,
    y: Pointer,
    gamma: Pointer,
    beta: Pointer,
    mean: Pointer,
    variance: Pointer,
    count: number,
    channels: number,
    epsilon: number,
    scratch: Pointer,
  ): void;
  batch_norm_backward(
    x: Pointer,
    dy: Pointer,
    dx: Pointer,
    saved: Pointer,
    scale: Pointer,
    gamma: Pointer,
    beta: Pointer,
    count: number,
    channels: number,
    add: number,
    scratch: Pointer,
  ): void;
  dropout_forward(
    x: Pointer,
    y: Pointer,
    mask: Pointer,
    length: number,
    least: number,
    factor: number,
    stream: Pointer,
  ): void;
  embedding_forward(
    x: Pointer,
    table: Pointer,
    y: Pointer,
    count: number,
    rows: number,
    length: number,
  ): void;
  embedding_gradient(
    x: Pointer,
    dy: Pointer,
    table: Pointer,
    count: number,
    rows: number,
    length: number,
    add: number,
  ): void;
  multiply(a: Pointer, b: Pointer, y: Pointer, length: number): void;
  leaky_relu_forward(x: Pointer, y: Pointer, length: number, slope: number): void;
  leaky_relu_backward(y: Pointer, dy: Pointer, dx: Pointer, length: number, slope: number): void;
  sigmoid_forward(x: Pointer, y: Pointer, length: number): void;
  sigmoid_backward(y: Pointer, dy: Pointer, dx: Pointer, length: number): void;
  tanh_forward(x: Pointer, y: Pointer, length: number): void;
  tanh_backward(y: Pointer, dy: Pointer, dx: Pointer, length: number): void;
  softmax_forward(x: Pointer, y: Pointer, rows: number, length: number): void;
  softmax_backward(y: Pointer, dy: Pointer, dx: Pointer, rows: number, length: number): void;
  add(a: Pointer, b: Pointer, y: Pointer, length: number): void;
  duplicate(x: Pointer, y: Pointer, length: number): void;
  gather(
    features: Pointer,
    labels: Pointer,
    order: Pointer,
    count: number,
    length: number,
    rows: Pointer,
    classes: Pointer,
  ): void;
  softmax_cross_entropy: LossKernel;
  categorical_crossentropy: LossKernel;
  binary_crossentropy: LossKernel;
  mean_squared_error: LossKernel;
  update(
    w: Pointer,
    g: Pointer,
    v: Pointer,
    s: Pointer,
    start: Pointer,
    correction: Pointer,
    length: number,
    nesterov: number,
    rule: Pointer,
  ): void;
  peak(rounds: number, seed: number): number;
}

/** An arena whose module has the engine's kernels. */
export function createEngineArena(capacity: number): { arena: Kernels; exports: EngineExports } {
  const arena = Kernels.create(capacity, { module: engine });
  const exports = instanceOf(arena.allocBytes(0))?.exports;
  if (exports === undefined) throw new Error("Cannot find the kernels of an arena just made");
  return { arena, exports: exports as EngineExports };
}

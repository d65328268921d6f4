import { type Exports, instanceOf, type Pointer } from "../../params/_instance.ts";
import { Kernels } from "../../params/kernels.ts";
import * as engine from "./_engine_wasm.ts";

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
  leaky_relu_forward(x: Pointer, y: Pointer, length: number, slope: number): void;
  leaky_relu_backward(y: Pointer, dy: Pointer, dx: Pointer, length: number, slope: number): void;
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
  softmax_cross_entropy(
    z: Pointer,
    labels: Pointer,
    dz: Pointer,
    rows: number,
    classes: number,
    total: Pointer,
  ): void;
  sgd(
    w: Pointer,
    g: Pointer,
    v: Pointer,
    length: number,
    rate: number,
    momentum: number,
    decay: number,
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

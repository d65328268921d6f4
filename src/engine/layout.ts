import {
  BYTE_TABLE_LAYOUT,
  LOSS_LAYOUT,
  REGRESSION_LAYOUT,
  RULE_LAYOUT,
  STEP_SUMS_LAYOUT,
  STREAM_LAYOUT,
} from "../generated/engine_exports.ts";
import { ALIGNMENT, allocationSize } from "../params/arena.ts";
import type { Pointer } from "../params/instance.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { Graph } from "./graph/graph.ts";
import { createEngineArena, type EngineExports } from "./kernels.ts";
import type { Place, Target } from "./ops/op.ts";
import type { LayoutSize } from "./layout_size.ts";
import type { UpdateMemory } from "./optimizer.ts";
import { compile, type Program } from "./program.ts";
import { placeRegression } from "./regression.ts";

const BYTES = Float32Array.BYTES_PER_ELEMENT;
/** Number of the float64 values of the kernels' `Loss`, which lie before its scale. */
const TOTALS = LOSS_LAYOUT.offsets.scale / Float64Array.BYTES_PER_ELEMENT;
/** Number of the values of the kernels' `StepSums`. */
const STEP_SUMS = STEP_SUMS_LAYOUT.size / Float64Array.BYTES_PER_ELEMENT;
/** Values of a slot for the integers of an op, such as a window, while a layout is measured. */
const SLOT_VALUES = 16;
/** Values of the kernels' `ByteTable`. */
const TABLE_VALUES = BYTE_TABLE_LAYOUT.size / BYTES;
/** Number of slots; an op uses two at most. */
const SLOTS = 16;

/** Rows to train on, in the engine's memory. */
export interface Resident {
  /** Features; empty where they are bytes. */
  readonly features: Float32Array<ArrayBuffer>;
  /** Features as bytes; empty where they are floats. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Features that the bytes stand for: the kernels' `ByteTable`. */
  readonly table: Float32Array<ArrayBuffer>;
  readonly labels: Int32Array<ArrayBuffer>;
}

/** Memory of a trainer, with views of its parts. */
export interface Layout extends UpdateMemory {
  /** Most rows that the program takes at once. */
  readonly maxRows: number;
  /** Gradient of all parameters. */
  readonly gradient: ParameterVector;
  /** Squared norms of the rows' gradients; empty where they are not clipped. */
  readonly squares: Float64Array<ArrayBuffer>;
  /** Factors of the rows' gradients; empty where they are not clipped. */
  readonly factors: Float32Array<ArrayBuffer>;
  /** Order of the training rows. */
  readonly order: Uint32Array<ArrayBuffer>;
  /** Loss and number of correct rows of a batch: the float64 values of the kernels' `Loss`. */
  readonly total: Float64Array<ArrayBuffer>;
  /**
   * Factor of the gradient of the mean loss. It lies in memory so that a step passes no number that
   * must be boxed.
   */
  readonly scale: Float32Array<ArrayBuffer>;
  /** Memory of steps of a dense layer alone: the kernels' `Regression`. */
  readonly regression: Uint32Array<ArrayBuffer>;
  /** Sums over such steps: the values of the kernels' `StepSums`. */
  readonly sums: Float64Array<ArrayBuffer>;
  /** Labels of a batch: one for each row, or for each step of one. */
  readonly batchLabels: Int32Array<ArrayBuffer>;
  /** Number of output values of a row, or of each step of one. */
  readonly units: number;
  /** Layers of the graph. */
  readonly program: Program;
  /** Key and counter of the random stream of dropout. */
  readonly stream: Uint32Array<ArrayBuffer>;
  /** Rows to train on. */
  readonly train: Resident;
  /** Input rows of the program. */
  readonly input: Float32Array<ArrayBuffer>;
  /** Rows to judge on as bytes, as many as the program takes at once. */
  readonly judged: Uint8Array<ArrayBuffer>;
  /** Features that the bytes of `judged` stand for: the kernels' `ByteTable`. */
  readonly judgedTable: Float32Array<ArrayBuffer>;
}

/** Memory that a graph is placed in. */
interface Memory {
  readonly exports: EngineExports;
  /** Buffer of the memory; `undefined` while places are only counted. */
  readonly buffer?: ArrayBuffer;
  /** Allocates memory for `values` values. */
  alloc(values: number): Pointer;
  /** Places integers in memory. */
  constants(values: readonly number[]): Pointer;
}

/** Small memory in which the kernels read the integers of an op while a layout is measured. */
let sizing: { readonly exports: EngineExports; readonly slots: Int32Array } | undefined;

/**
 * Places a graph in a memory of its own.
 *
 * @throws {UnsupportedModelError} If the engine does not run a layer.
 * @throws {RangeError} If the system does not provide the memory.
 */
export function layOut(graph: Graph, target: Target, size: LayoutSize): Layout {
  const { arena, exports } = createEngineArena(measure(graph, target, size));
  const buffer = exports.memory.buffer as ArrayBuffer;
  const alloc = (values: number) => arena.alloc(values).byteOffset;
  const layout = place(graph, target, size, {
    exports,
    buffer,
    alloc,
    constants(values) {
      const start = alloc(values.length);
      new Int32Array(buffer, start, values.length).set(values);
      return start;
    },
  });
  placeRegression(layout);
  return layout;
}

/** Returns the number of bytes of a layout. */
function measure(graph: Graph, target: Target, size: LayoutSize): number {
  if (sizing === undefined) {
    const { arena, exports } = createEngineArena(SLOTS * SLOT_VALUES * BYTES);
    const { buffer, byteOffset, length } = arena.alloc(SLOTS * SLOT_VALUES);
    sizing = { exports, slots: new Int32Array(buffer, byteOffset, length) };
  }
  const { exports, slots } = sizing;
  // The address 0 stands for no place.
  let total = ALIGNMENT, slot = 0;
  const alloc = (values: number) => {
    const start = total;
    total += allocationSize(values * BYTES);
    return start;
  };
  place(graph, target, size, {
    exports,
    alloc,
    constants(values) {
      alloc(values.length);
      const start = slot * SLOT_VALUES;
      slots.set(values, start);
      slot = (slot + 1) % SLOTS;
      return slots.byteOffset + start * BYTES;
    },
  });
  return total;
}

function place(
  graph: Graph,
  target: Target,
  { maxRows, capacity, bytes, extras, clips, carries = false }: LayoutSize,
  { exports, buffer, alloc, constants }: Memory,
): Layout {
  const { manifest } = graph;
  const floatsAt = (start: Pointer, length: number) =>
    buffer ? new Float32Array(buffer, start, length) : new Float32Array(0);
  const floats = (length: number) => floatsAt(alloc(length), length);
  const integers = (length: number) => {
    const start = alloc(length);
    return buffer ? new Int32Array(buffer, start, length) : new Int32Array(0);
  };
  const octets = (length: number) => {
    const start = alloc(Math.ceil(length / BYTES));
    return buffer ? new Uint8Array(buffer, start, length) : new Uint8Array(0);
  };
  const naturals = (length: number) => {
    const start = alloc(length);
    return buffer ? new Uint32Array(buffer, start, length) : new Uint32Array(0);
  };
  const vector = floats(manifest.length);
  const gradient = floats(manifest.length);
  const velocity = floats(manifest.length);
  const parameters = manifest.tensors.map(({ offset, length }): Place => ({
    at: vector.byteOffset + offset * BYTES,
    length,
  }));
  const stream = naturals(STREAM_LAYOUT.size / BYTES);
  const clip = clips ? { squares: alloc(2 * maxRows), factors: alloc(maxRows) } : undefined;
  const room = {
    exports,
    target,
    parameters,
    stream: stream.byteOffset,
    clip,
    carries,
    alloc,
    constants,
  };
  const program = compile(graph, maxRows, room);
  const { at, length } = program.input;
  const total = alloc(LOSS_LAYOUT.size / BYTES), sums = alloc(STEP_SUMS_LAYOUT.size / BYTES);
  const units = graph.nodes.at(-1)?.shape.at(-1) ?? 1;
  return {
    maxRows,
    exports,
    vector,
    velocity,
    extras: Object.fromEntries(extras.map((extra) => [extra, floats(manifest.length)])),
    rule: floats(RULE_LAYOUT.size / BYTES),
    gradient,
    gradientDistance: gradient.byteOffset - vector.byteOffset,
    program,
    stream,
    squares: clip && buffer ? new Float64Array(buffer, clip.squares, maxRows) : new Float64Array(0),
    factors: floatsAt(clip?.factors ?? 0, clip ? maxRows : 0),
    train: {
      features: floats(bytes.train ? 0 : capacity * length),
      bytes: octets(bytes.train ? capacity * length : 0),
      table: floats(TABLE_VALUES),
      labels: integers(capacity),
    },
    judged: octets(bytes.judge ? maxRows * length : 0),
    judgedTable: floats(TABLE_VALUES),
    input: floatsAt(at, maxRows * length),
    order: naturals(capacity),
    scale: floatsAt(total + LOSS_LAYOUT.offsets.scale, 1),
    total: buffer ? new Float64Array(buffer, total, TOTALS) : new Float64Array(0),
    regression: naturals(REGRESSION_LAYOUT.size / BYTES),
    sums: buffer ? new Float64Array(buffer, sums, STEP_SUMS) : new Float64Array(0),
    batchLabels: integers(maxRows * program.output.length / units),
    units,
  };
}

/**
 * Copies parameters, training rows and the state of a round to a layout that is at least as large.
 */
export function copyState(from: Layout, to: Layout): void {
  to.vector.set(from.vector);
  to.velocity.set(from.velocity);
  to.train.table.set(from.train.table);
  for (const part of ["features", "bytes"] as const) {
    // Rows of the other kind are those of other data, which are copied anew.
    if (to.train[part].length >= from.train[part].length) to.train[part].set(from.train[part]);
  }
  to.train.labels.set(from.train.labels);
  to.order.set(from.order);
  to.scale.set(from.scale);
  to.rule.set(from.rule);
  to.stream.set(from.stream);
  for (const name of ["second", "start", "correction"] as const) {
    const values = from.extras[name];
    if (values) to.extras[name]?.set(values);
  }
}

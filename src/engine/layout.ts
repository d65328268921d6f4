import { ALIGNMENT, roomFor } from "../params/arena.ts";
import type { Pointer } from "../params/instance.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { Graph } from "./graph/graph.ts";
import { createEngineArena, type EngineExports } from "./kernels.ts";
import type { Place, Target } from "./ops/op.ts";
import { type Extra, RULE_LENGTH, type UpdateMemory } from "./optimizer.ts";
import { compile, type Program } from "./program.ts";

const STREAM_VALUES = 6;
const BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Rows to train on, in the engine's memory. */
interface Resident {
  readonly features: Float32Array<ArrayBuffer>;
  readonly labels: Int32Array<ArrayBuffer>;
}

/** Memory with all that a trainer works on. */
export interface Layout extends UpdateMemory {
  /** Rows that the program takes at once. */
  readonly maxRows: number;
  readonly gradient: ParameterVector;
  readonly order: Uint32Array<ArrayBuffer>;
  /** Where the kernels put a batch's loss and number of right answers. */
  readonly total: Float64Array<ArrayBuffer>;
  /** What they multiply the gradient of the mean loss by, in memory so that a step passes no number that must be boxed. */
  readonly scale: Float32Array<ArrayBuffer>;
  readonly batchLabels: Int32Array<ArrayBuffer>;
  readonly program: Program;
  /** Key and counter of the random stream of dropout, as the kernels have it. */
  readonly stream: Uint32Array<ArrayBuffer>;
  readonly train: Resident;
  /** The rows that go into the program. */
  readonly input: Float32Array<ArrayBuffer>;
}

/** What a layout has room for. */
export interface LayoutSize {
  /** Rows that the program takes at once. */
  readonly maxRows: number;
  /** Rows to train on. */
  readonly capacity: number;
  readonly extras: readonly Extra[];
}

/**
 * Lays a graph out in a memory of its own. Throws an `UnsupportedModelError` for a layer that the engine does not run, and a `RangeError` when
 * the system does not give the memory.
 */
export function layOut(graph: Graph, target: Target, size: LayoutSize): Layout {
  // Once to measure: nothing is run, so no place is read.
  let total = ALIGNMENT;
  place(graph, target, size, {} as EngineExports, (values) => {
    const start = total;
    total += roomFor(values * BYTES);
    return start;
  }, new ArrayBuffer(0));
  const { arena, exports } = createEngineArena(total);
  const buffer = exports.memory.buffer as ArrayBuffer;
  return place(graph, target, size, exports, (values) => arena.alloc(values).byteOffset, buffer);
}

function place(
  graph: Graph,
  target: Target,
  { maxRows, capacity, extras }: LayoutSize,
  exports: EngineExports,
  alloc: (values: number) => Pointer,
  buffer: ArrayBuffer,
): Layout {
  const { manifest } = graph;
  const measuring = buffer.byteLength === 0;
  const floats = (length: number) => {
    const start = alloc(length);
    return measuring ? new Float32Array(0) : new Float32Array(buffer, start, length);
  };
  const integers = (length: number) => {
    const start = alloc(length);
    return measuring ? new Int32Array(0) : new Int32Array(buffer, start, length);
  };
  const naturals = (length: number) => {
    const start = alloc(length);
    return measuring ? new Uint32Array(0) : new Uint32Array(buffer, start, length);
  };
  const vector = floats(manifest.length);
  const gradient = floats(manifest.length);
  const velocity = floats(manifest.length);
  const parameters = manifest.tensors.map(({ offset, length }): Place => ({
    at: vector.byteOffset + offset * BYTES,
    length,
  }));
  const constants = (values: readonly number[]): Pointer => {
    const list = integers(values.length);
    if (!measuring) list.set(values);
    return list.byteOffset;
  };
  const stream = naturals(STREAM_VALUES);
  const room = { exports, target, parameters, stream: stream.byteOffset, alloc, constants };
  const program = compile(graph, maxRows, room);
  const { at, length } = program.input;
  const total = alloc(6);
  return {
    maxRows,
    exports,
    vector,
    velocity,
    extras: Object.fromEntries(extras.map((extra) => [extra, floats(manifest.length)])),
    rule: floats(RULE_LENGTH),
    gradient,
    gradientDistance: gradient.byteOffset - vector.byteOffset,
    program,
    stream,
    train: { features: floats(capacity * length), labels: integers(capacity) },
    input: measuring ? new Float32Array(0) : new Float32Array(buffer, at, maxRows * length),
    order: naturals(capacity),
    scale: measuring ? new Float32Array(1) : new Float32Array(buffer, total + 16, 1),
    total: measuring ? new Float64Array(0) : new Float64Array(buffer, total, 2),
    batchLabels: integers(maxRows),
  };
}

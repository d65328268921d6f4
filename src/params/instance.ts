import { ALIGNMENT } from "./arena.ts";
import type { KernelBuild } from "./build.ts";
import * as parameterKernels from "../generated/kernels_wasm.ts";

/** A pointer into the module's memory, in bytes. */
export type Pointer = number;

/** What the module exports; `wasm/src/lib.rs` says what each does. */
export interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly __heap_base: WebAssembly.Global;
  run(): number;
  stats(values: Pointer, length: number, into: Pointer): void;
  copy(to: Pointer, from: Pointer, length: number, into: Pointer): void;
  difference(to: Pointer, a: Pointer, b: Pointer, length: number, into: Pointer): void;
  fold(acc: Pointer, x: Pointer, weight: number, length: number): void;
  blend(acc: Pointer, x: Pointer, t: number, length: number): void;
  scale(values: Pointer, factor: number, length: number): void;
  squared_distance(a: Pointer, b: Pointer, length: number, into: Pointer): void;
  squared_distances(
    into: Pointer,
    one: Pointer,
    matrix: Pointer,
    rows: number,
    columns: number,
  ): void;
  tile(): number;
  median(out: Pointer, matrix: Pointer, rows: number, columns: number, tile: Pointer): void;
  trimmed_mean(
    out: Pointer,
    matrix: Pointer,
    rows: number,
    columns: number,
    trim: number,
    tile: Pointer,
  ): void;
  mean_around_median(
    out: Pointer,
    matrix: Pointer,
    rows: number,
    columns: number,
    keep: number,
    tile: Pointer,
  ): void;
  to_half(halves: Pointer, values: Pointer, length: number): void;
  from_half(values: Pointer, halves: Pointer, length: number): void;
}

/** A module of kernels, its builds in base64. */
export interface KernelModule {
  /** The build in baseline SIMD. */
  readonly SIMD128: string;
  /** The build with relaxed SIMD. */
  readonly RELAXED_SIMD: string;
}

/** The kernels' module with its memory: the statistics, scratch blocks, and what the caller asked for. */
export interface Instance {
  readonly build: KernelBuild;
  readonly exports: Exports;
  readonly buffer: ArrayBuffer;
  /** Where the kernels put their statistics, and a view of them: sum of squares, count of non-finite values. */
  readonly stats: Pointer;
  readonly statsView: Float64Array;
  /** Values of a scratch block: a multiple of what the statistics take for a run. */
  readonly block: number;
  /** Where the scratch blocks lie. */
  readonly scratch: readonly Pointer[];
  /** The first byte that is the caller's. */
  readonly start: Pointer;
}

const PAGE = 65536;
const MAX_PAGES = 65536;
const SCRATCH_BLOCKS = 3;
const RUNS_PER_BLOCK = 16;

const modules = new Map<string, WebAssembly.Module>();
const instances = new WeakMap<ArrayBufferLike, Instance>();

function compile(base64: string): WebAssembly.Module {
  let module = modules.get(base64);
  if (module === undefined) {
    module = new WebAssembly.Module(Uint8Array.fromBase64(base64));
    modules.set(base64, module);
  }
  return module;
}

/**
 * Makes an instance with room for so many bytes. The memory grows here and never again, so views of it stay valid.
 *
 * Throws a `RangeError` when a memory cannot be so large or the system does not give it.
 */
export function instantiate(
  build: KernelBuild,
  capacity: number,
  { SIMD128, RELAXED_SIMD }: KernelModule = parameterKernels,
): Instance {
  let exports: Exports;
  try {
    const module = compile(build === "relaxed-simd" ? RELAXED_SIMD : SIMD128);
    exports = new WebAssembly.Instance(module).exports as unknown as Exports;
  } catch (cause) {
    throw new RangeError("Cannot create an arena: the system gave no memory", { cause });
  }
  const { memory } = exports;
  const block = RUNS_PER_BLOCK * exports.run();
  const blockBytes = block * Float32Array.BYTES_PER_ELEMENT;
  const stats = Math.ceil(exports.__heap_base.value / ALIGNMENT) * ALIGNMENT;
  const firstBlock = stats + ALIGNMENT;
  const scratch = Array.from({ length: SCRATCH_BLOCKS }, (_, i) => firstBlock + i * blockBytes);
  const start = firstBlock + SCRATCH_BLOCKS * blockBytes;
  if (start + capacity > MAX_PAGES * PAGE) {
    throw new RangeError(
      `Cannot create an arena: expected at most ${MAX_PAGES * PAGE - start} bytes, got ${capacity}`,
    );
  }
  const pages = Math.ceil((start + capacity) / PAGE) - memory.buffer.byteLength / PAGE;
  try {
    memory.grow(Math.max(0, pages));
  } catch (cause) {
    throw new RangeError(`Cannot create an arena: the system gave no ${capacity} bytes`, { cause });
  }
  const buffer = memory.buffer as ArrayBuffer;
  const statsView = new Float64Array(buffer, stats, 2);
  const instance = { build, exports, buffer, stats, statsView, block, scratch, start };
  instances.set(buffer, instance);
  return instance;
}

/** The instance in whose memory a view lies. */
export function instanceOf(view: ArrayBufferView): Instance | undefined {
  return instances.get(view.buffer);
}

import {
  KERNELS_EXPORTS,
  type KernelsExports,
  type Pointer,
  STATS_LAYOUT,
} from "../generated/kernels_exports.ts";
import * as parameterKernels from "../generated/kernels_wasm.ts";
import { ALIGNMENT } from "./arena.ts";
import type { KernelBuild } from "./build.ts";

export type { KernelsExports, Pointer };

/** Module of kernels, with its builds in base64. */
export interface KernelModule {
  /** Build in baseline SIMD. */
  readonly SIMD128: string;
  /** Build with relaxed SIMD. */
  readonly RELAXED_SIMD: string;
}

/**
 * Instance of a module of kernels. Its memory:
 *
 * ```text
 * 0           __heap_base  stats   scratch[0]  scratch[1]  scratch[2]  start
 * | stack, data |          | 64 B  | block     | block     | block     | capacity, the caller's |
 * ```
 */
export interface Instance {
  /** Build of the module. */
  readonly build: KernelBuild;
  /** Kernels and memory. */
  readonly exports: KernelsExports;
  /** Buffer of the memory. */
  readonly buffer: ArrayBuffer;
  /** Address of the statistics. */
  readonly stats: Pointer;
  /** View of the statistics: the float64 values of the kernels' `Stats`. */
  readonly statsView: Float64Array;
  /** Number of values of a scratch block: a multiple of the values of a run of the statistics. */
  readonly block: number;
  /** Addresses of the scratch blocks. */
  readonly scratch: readonly Pointer[];
  /** Address of the first byte that is the caller's. */
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
 * Checks that a module exports a memory, the end of its data, and every declared function with the
 * declared number of parameters.
 *
 * @param exports Exports of an instance.
 * @param functions Number of parameters of each declared function.
 * @throws {TypeError} If an export is missing or differs.
 */
export function checkExports<E extends Pick<KernelsExports, "memory" | "__heap_base">>(
  exports: object,
  functions: Readonly<Record<string, number>>,
): asserts exports is E {
  const found: Readonly<Record<string, unknown>> = { ...exports };
  if (
    !(found.memory instanceof WebAssembly.Memory) ||
    !(found.__heap_base instanceof WebAssembly.Global)
  ) {
    throw new TypeError("Cannot use the kernels: the module exports no memory");
  }
  for (const [name, parameters] of Object.entries(functions)) {
    const kernel = found[name];
    if (typeof kernel === "function" && kernel.length === parameters) continue;
    throw new TypeError(
      `Cannot use the kernels: the module exports no function ${name} of ${parameters} parameters`,
    );
  }
}

/**
 * Creates an instance with room for `capacity` bytes. Its memory grows here and never again, so
 * views of it stay valid.
 *
 * @throws {RangeError} If a memory cannot be that large or the system does not provide it.
 */
export function instantiate(
  build: KernelBuild,
  capacity: number,
  { SIMD128, RELAXED_SIMD }: KernelModule = parameterKernels,
): Instance {
  let exports: object;
  try {
    const module = compile(build === "relaxed-simd" ? RELAXED_SIMD : SIMD128);
    exports = new WebAssembly.Instance(module).exports;
  } catch (cause) {
    throw new RangeError("Cannot create an arena: the system gave no memory", { cause });
  }
  checkExports<KernelsExports>(exports, KERNELS_EXPORTS);
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
  const statsView = new Float64Array(
    buffer,
    stats,
    STATS_LAYOUT.size / Float64Array.BYTES_PER_ELEMENT,
  );
  const instance = { build, exports, buffer, stats, statsView, block, scratch, start };
  instances.set(buffer, instance);
  return instance;
}

/** Returns the instance in whose memory a view lies. */
export function instanceOf(view: ArrayBufferView): Instance | undefined {
  return instances.get(view.buffer);
}

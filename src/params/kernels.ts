/**
 * Arithmetic on parameter vectors, in WebAssembly.
 *
 * The functions take any `Float32Array`. They are fastest, one call and no copy, where every array
 * lies in one arena, as those of {@linkcode Kernels.alloc} do. Each value of the result is the
 * same, bit for bit, wherever the arrays lie.
 *
 * @module
 */

import { checkInRange, isCount } from "../base/check.ts";
import { allocationSize, Arena, type Span } from "./arena.ts";
import { type KernelBuild, resolveBuild } from "./build.ts";
import { type Instance, instantiate, type KernelModule } from "./instance.ts";
import type { ParameterVector } from "./manifest.ts";

export { type KernelBuild, useKernelBuild } from "./build.ts";
export type { KernelModule } from "./instance.ts";
export * from "./columns.ts";
export * from "./operations.ts";

/** Options of {@linkcode Kernels.create}. */
export interface KernelsOptions {
  /**
   * Build of the kernels. "auto" is the one set by {@linkcode useKernelBuild}, else the fastest
   * that runs here.
   *
   * @default {"auto"}
   */
  readonly build?: KernelBuild | "auto";
  /** Module with further kernels, for its owner. Default: the parameter kernels alone. */
  readonly module?: KernelModule;
}

const owners = new WeakMap<ArrayBufferLike, Kernels>();

/** Returns the arena in which a view lies, if it lies in one. */
export function kernelsOf(view: ArrayBufferView): Kernels | undefined {
  return owners.get(view.buffer);
}

/**
 * WebAssembly kernels with a memory of their own, the arena, in which vectors lie.
 *
 * The memory has its full size from the start and never grows, so views stay valid: a socket may
 * read into one while kernels work. The system provides a page only when it is first written.
 *
 * @example
 * ```ts
 * import { fold, Kernels } from "@fedlab/core/params";
 * import { assertEquals } from "@std/assert";
 *
 * const kernels = Kernels.create(1024);
 * const sum = kernels.alloc(3);
 * fold(sum, new Float32Array([1, 2, 3]), 0.5);
 * assertEquals([...sum], [0.5, 1, 1.5]);
 * kernels.free(sum);
 * ```
 */
export class Kernels {
  /** Build in use. */
  readonly build: KernelBuild;
  /**
   * Number of bytes that the arena can hold. An allocation takes its size rounded up to a multiple
   * of 64.
   */
  readonly capacity: number;
  readonly #buffer: ArrayBuffer;
  readonly #arena: Arena;
  readonly #allocations: Map<ArrayBufferView, Span> = new Map();

  private constructor({ build, buffer, start }: Instance, capacity: number) {
    this.build = build;
    this.capacity = capacity;
    this.#buffer = buffer;
    this.#arena = new Arena(start, start + capacity);
    owners.set(buffer, this);
  }

  /**
   * Creates an arena.
   *
   * @param capacity Number of bytes, rounded up to a multiple of 64; a little under 4 GiB at most.
   * @throws {RangeError} If the system does not provide the memory.
   * @throws {TypeError} If the build does not run here.
   */
  static create(capacity: number, { build = "auto", module }: KernelsOptions = {}): Kernels {
    checkInRange(
      capacity,
      { whole: true, least: 0 },
      "Cannot create an arena",
      "a whole number of bytes",
    );
    const room = allocationSize(capacity);
    return new Kernels(instantiate(resolveBuild(build), room, module), room);
  }

  /** Number of free bytes, in any number of pieces. */
  get available(): number {
    return this.#arena.free;
  }

  /** Returns true if an allocation of `byteLength` bytes would succeed. */
  hasRoom(byteLength: number): boolean {
    return allocationSize(byteLength) <= this.#arena.largest;
  }

  /**
   * Allocates a vector of `length` values in the arena, at a multiple of 64 bytes. Its values are
   * those of the allocation before it, at first zeros.
   *
   * @throws {RangeError} If no free piece is large enough.
   */
  alloc(length: number): ParameterVector {
    const byteLength = length * Float32Array.BYTES_PER_ELEMENT;
    return this.#allocate(byteLength, (start) => new Float32Array(this.#buffer, start, length));
  }

  /** Allocates `byteLength` bytes, as {@linkcode Kernels.alloc} does. */
  allocBytes(byteLength: number): Uint8Array<ArrayBuffer> {
    return this.#allocate(byteLength, (start) => new Uint8Array(this.#buffer, start, byteLength));
  }

  /**
   * Frees the memory of a view. Neither it nor a view made from it may be used any more.
   *
   * @throws {RangeError} If this arena did not allocate the view, or it was freed already.
   */
  free(view: ArrayBufferView): void {
    const span = this.#allocations.get(view);
    if (span === undefined) {
      throw new RangeError(
        `Cannot free the view: expected one that this arena allocated and that is still in use, got ${view.byteLength} bytes`,
      );
    }
    this.#allocations.delete(view);
    this.#arena.give(span);
  }

  /** Returns true if a view lies in this arena: an allocated one, or one made from it. */
  owns(view: ArrayBufferView): boolean {
    return view.buffer === this.#buffer;
  }

  #allocate<View extends ArrayBufferView>(byteLength: number, view: (start: number) => View): View {
    if (!isCount(byteLength)) {
      throw new RangeError(
        `Cannot allocate in the arena: expected a whole number, got ${byteLength} bytes`,
      );
    }
    const span = this.#arena.take(byteLength);
    if (span === undefined) {
      throw new RangeError(
        `Cannot allocate ${byteLength} bytes in the arena: ${this.available} of ${this.capacity} bytes are free, ` +
          `${this.#arena.largest} of them in one piece`,
      );
    }
    const allocated = view(span.start);
    this.#allocations.set(allocated, span);
    return allocated;
  }
}

/**
 * Creates a vector of zeros of the same length, in the arena of the given vector if it lies in one
 * with room, else in memory of its own.
 */
export function vectorLike(vector: ParameterVector): ParameterVector {
  const kernels = kernelsOf(vector);
  return kernels?.hasRoom(vector.byteLength)
    ? kernels.alloc(vector.length).fill(0)
    : new Float32Array(vector.length);
}

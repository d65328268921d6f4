/**
 * Arithmetic on parameter vectors, in WebAssembly.
 *
 * The functions take any `Float32Array`. They are fastest, one call and no copy, where every array lies in one arena,
 * as those that {@linkcode Kernels.alloc} gives do; each value of the result is the same bit for bit wherever they lie.
 *
 * @module
 */

import { Arena, roomFor, type Span } from "./arena.ts";
import { type KernelBuild, resolveBuild } from "./build.ts";
import { type Instance, instantiate, type KernelModule } from "./instance.ts";
import type { ParameterVector } from "./manifest.ts";

export { type KernelBuild, useKernelBuild } from "./build.ts";
export type { KernelModule } from "./instance.ts";
export * from "./columns.ts";
export * from "./operations.ts";

/** Options of {@linkcode Kernels.create}. */
export interface KernelsOptions {
  /** The build; "auto", the default, is the one that {@linkcode useKernelBuild} set, else the fastest that runs here. */
  readonly build?: KernelBuild | "auto";
  /** A module that has more kernels than those of this room, for their owner. Default: these alone. */
  readonly module?: KernelModule;
}

const owners = new WeakMap<ArrayBufferLike, Kernels>();

/** The arena a view lies in, if it lies in one. */
export function kernelsOf(view: ArrayBufferView): Kernels | undefined {
  return owners.get(view.buffer);
}

/**
 * WebAssembly kernels with a memory of their own, the arena, in which vectors lie.
 *
 * The memory has its full size from the start and never grows, so a view stays valid for as long as it is held: a socket
 * may read into it while kernels work. The system gives a page only when it is first written.
 *
 * @example
 * ```ts
 * import { fold, Kernels } from "@fedlab/core";
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
  /** The build in use. */
  readonly build: KernelBuild;
  /** Bytes that the arena can hold. An allocation takes its own, rounded up to a multiple of 64. */
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
   * Makes an arena that holds `capacity` bytes, rounded up to a multiple of 64; the most is a little under 4 GiB.
   *
   * Throws a `RangeError` when the system does not give that much, and a `TypeError` for a build that does not run here.
   */
  static create(capacity: number, { build = "auto", module }: KernelsOptions = {}): Kernels {
    if (!Number.isSafeInteger(capacity) || capacity < 0) {
      throw new RangeError(
        `Cannot create an arena: expected a whole number of bytes, got ${capacity}`,
      );
    }
    const room = roomFor(capacity);
    return new Kernels(instantiate(resolveBuild(build), room, module), room);
  }

  /** Bytes that are free, in however many pieces. */
  get available(): number {
    return this.#arena.free;
  }

  /** Whether an allocation of so many bytes would succeed. */
  hasRoom(byteLength: number): boolean {
    return roomFor(byteLength) <= this.#arena.largest;
  }

  /**
   * A vector of so many values in the arena, at a multiple of 64 bytes. It holds what stood there before, at first zeros.
   *
   * Throws a `RangeError` when no free piece is large enough.
   */
  alloc(length: number): ParameterVector {
    const byteLength = length * Float32Array.BYTES_PER_ELEMENT;
    return this.#allocate(byteLength, (start) => new Float32Array(this.#buffer, start, length));
  }

  /** As {@linkcode Kernels.alloc}, so many bytes. */
  allocBytes(byteLength: number): Uint8Array<ArrayBuffer> {
    return this.#allocate(byteLength, (start) => new Uint8Array(this.#buffer, start, byteLength));
  }

  /**
   * Gives a view's place back; neither it nor a view made from it may be used any more.
   *
   * Throws a `RangeError` for anything but a view that this arena allocated and that was not freed since.
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

  /** Whether a view lies in this arena, allocated as it is or made from one that was. */
  owns(view: ArrayBufferView): boolean {
    return view.buffer === this.#buffer;
  }

  #allocate<View extends ArrayBufferView>(byteLength: number, view: (start: number) => View): View {
    if (!Number.isSafeInteger(byteLength) || byteLength < 0) {
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
 * A vector of as many zeros, in the same arena if the vector lies in one that has room, else in memory of its own.
 */
export function vectorLike(vector: ParameterVector): ParameterVector {
  const kernels = kernelsOf(vector);
  return kernels?.hasRoom(vector.byteLength)
    ? kernels.alloc(vector.length).fill(0)
    : new Float32Array(vector.length);
}

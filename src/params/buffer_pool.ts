/**
 * Pool of staging buffers.
 *
 * @module
 */

import { AT_LEAST_ONE, checkInRange } from "../base/check.ts";

/** Pool of a bounded number of buffers of one size. Each is created when it is first needed. */
export class BufferPool {
  readonly #make: () => Uint8Array<ArrayBuffer>;
  readonly #idle: Uint8Array<ArrayBuffer>[] = [];
  readonly #lent = new Set<Uint8Array<ArrayBuffer>>();
  readonly #waiting: ((buffer: Uint8Array<ArrayBuffer>) => void)[] = [];
  /** Maximum number of buffers. */
  readonly size: number;

  /** Creates a pool of at most `size` buffers, each made by `make`. */
  constructor(size: number, make: () => Uint8Array<ArrayBuffer>) {
    this.size = checkInRange(size, AT_LEAST_ONE, "Cannot make a pool", "at least 1 buffer");
    this.#make = make;
  }

  /** Lends a buffer, as soon as one is free. */
  async lend(): Promise<Uint8Array<ArrayBuffer>> {
    let buffer = this.#idle.pop();
    if (buffer === undefined && this.#lent.size < this.size) buffer = this.#make();
    if (buffer === undefined) {
      const { promise, resolve } = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
      this.#waiting.push(resolve);
      return await promise;
    }
    this.#lent.add(buffer);
    return buffer;
  }

  /** Returns a buffer to the pool. A buffer that is not lent is ignored. */
  giveBack(buffer: Uint8Array<ArrayBuffer>): void {
    if (!this.#lent.has(buffer)) return;
    const next = this.#waiting.shift();
    if (next !== undefined) return next(buffer);
    this.#lent.delete(buffer);
    this.#idle.push(buffer);
  }
}

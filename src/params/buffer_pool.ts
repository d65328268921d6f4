/**
 * Staging buffers.
 *
 * @module
 */

/** A bounded number of buffers of one size that are lent out and given back. Each is made when it is first needed. */
export class BufferPool {
  readonly #make: () => Uint8Array<ArrayBuffer>;
  readonly #idle: Uint8Array<ArrayBuffer>[] = [];
  readonly #lent = new Set<Uint8Array<ArrayBuffer>>();
  readonly #waiting: ((buffer: Uint8Array<ArrayBuffer>) => void)[] = [];
  /** How many buffers there are at most. */
  readonly size: number;

  /** A pool of at most `size` buffers, each from `make`. */
  constructor(size: number, make: () => Uint8Array<ArrayBuffer>) {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new RangeError(`Cannot make a pool: expected at least 1 buffer, got ${size}`);
    }
    this.size = size;
    this.#make = make;
  }

  /** Lends a buffer, once one is free. */
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

  /** Takes a buffer back; one that is not lent is left alone. */
  giveBack(buffer: Uint8Array<ArrayBuffer>): void {
    if (!this.#lent.has(buffer)) return;
    const next = this.#waiting.shift();
    if (next !== undefined) return next(buffer);
    this.#lent.delete(buffer);
    this.#idle.push(buffer);
  }
}

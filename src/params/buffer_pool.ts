/**
 * Pool of staging buffers.
 *
 * @module
 */

import { AT_LEAST_ONE, checkInRange } from "../base/check.ts";

/** Request for a buffer of a {@linkcode BufferPool}. */
export interface BufferRequest {
  /** The buffer, as soon as there is one; `undefined` once the request is canceled. */
  readonly buffer: Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Takes the last buffer too from now on. */
  urge(): void;
  /** Gives up; a buffer that was lent goes back to the pool. */
  cancel(): void;
}

/** Called with the buffer of a request that waits. */
type Waiting = (buffer: Uint8Array<ArrayBuffer>) => void;

/** Pool of a bounded number of buffers of one size. Each is created when it is first needed. */
export class BufferPool {
  readonly #make: () => Uint8Array<ArrayBuffer>;
  readonly #idle: Uint8Array<ArrayBuffer>[] = [];
  readonly #lent = new Set<Uint8Array<ArrayBuffer>>();
  readonly #waiting: Waiting[] = [];
  /** Requests that leave the last buffer to others. */
  readonly #patient: Waiting[] = [];
  /** Maximum number of buffers. */
  readonly size: number;

  /** Creates a pool of at most `size` buffers, each made by `make`. */
  constructor(size: number, make: () => Uint8Array<ArrayBuffer>) {
    this.size = checkInRange(size, AT_LEAST_ONE, "Cannot make a pool", "at least 1 buffer");
    this.#make = make;
  }

  /** Lends a buffer, as soon as one is free. */
  async lend(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#take(0) ??
      await new Promise<Uint8Array<ArrayBuffer>>((resolve) => this.#waiting.push(resolve));
  }

  /**
   * Lends a buffer if one is free; `undefined` otherwise.
   *
   * @param isPatient As in {@linkcode request}.
   */
  tryLend(isPatient = false): Uint8Array<ArrayBuffer> | undefined {
    return this.#take(isPatient ? Math.min(1, this.size - 1) : 0);
  }

  /**
   * Requests a buffer. Requests are served in their order.
   *
   * @param isPatient Whether the last free buffer is left to requests that are not patient. A pool
   * of one buffer lends that one.
   */
  request(isPatient = false): BufferRequest {
    const { promise, resolve } = Promise.withResolvers<Uint8Array<ArrayBuffer> | undefined>();
    let lent: Uint8Array<ArrayBuffer> | undefined;
    const waiting = (buffer: Uint8Array<ArrayBuffer>) => {
      lent = buffer;
      resolve(buffer);
    };
    let queue = isPatient ? this.#patient : this.#waiting;
    queue.push(waiting);
    this.#serve();
    const leave = (): boolean => {
      const index = queue.indexOf(waiting);
      if (index >= 0) queue.splice(index, 1);
      return index >= 0;
    };
    return {
      buffer: promise,
      urge: () => {
        if (!leave()) return;
        queue = this.#waiting;
        queue.push(waiting);
        this.#serve();
      },
      cancel: () => {
        leave();
        if (lent === undefined) resolve(undefined);
        else this.giveBack(lent);
      },
    };
  }

  /** Returns the lent buffer in which a view lies, if it lies in one. */
  around({ buffer, byteOffset }: ArrayBufferView): Uint8Array<ArrayBuffer> | undefined {
    for (const lent of this.#lent) {
      const at = byteOffset - lent.byteOffset;
      if (lent.buffer === buffer && at >= 0 && at < lent.byteLength) return lent;
    }
    return undefined;
  }

  /** Returns a buffer to the pool. A buffer that is not lent is ignored. */
  giveBack(buffer: Uint8Array<ArrayBuffer>): void {
    if (!this.#lent.delete(buffer)) return;
    this.#idle.push(buffer);
    this.#serve();
  }

  /** Lends buffers to those that wait, in order, as far as there are enough. */
  #serve(): void {
    this.#serveFrom(this.#waiting, 0);
    if (this.#waiting.length === 0) this.#serveFrom(this.#patient, 1);
  }

  #serveFrom(queue: Waiting[], left: number): void {
    while (queue.length > 0) {
      const buffer = this.#take(Math.min(left, this.size - 1));
      if (buffer === undefined) return;
      queue.shift()?.(buffer);
    }
  }

  /** Lends a buffer, if more than `left` are free. */
  #take(left: number): Uint8Array<ArrayBuffer> | undefined {
    if (this.size - this.#lent.size <= left) return undefined;
    const buffer = this.#idle.pop() ?? this.#make();
    this.#lent.add(buffer);
    return buffer;
  }
}

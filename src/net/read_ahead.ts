import { ofRuntime } from "../base/runtime/of_runtime.ts";

/** Bytes that a connection reads ahead at least. A server holds them for each client. */
const LEAST_BYTES = 1024;
/** Bytes of a frame up to which it is read ahead as a whole. */
const MOST_BYTES = 16 * 1024;
/** Bytes that all connections of this process read ahead together, beyond the least of each. */
const SHARED_BYTES = 16 * 1024 * 1024;

/** Connections of this process. */
const openOfRuntime = ofRuntime(() => ({ count: 0 }));

/**
 * Size of a connection's buffer. A small frame is read at once where there is memory for that: a
 * second read takes as long as decoding the frame. With many thousands of connections each has the
 * least size.
 */
export class ReadAheadSize {
  /** Bytes of the largest small frame so far. */
  #wanted = LEAST_BYTES;
  /** Connections that are open. */
  readonly #open = openOfRuntime();
  #isOpen = true;

  /** Counts a connection. */
  constructor() {
    this.#open.count++;
  }

  /** Size of the buffer for the next read, in bytes. */
  get bytes(): number {
    return this.#wanted * this.#open.count > SHARED_BYTES ? LEAST_BYTES : this.#wanted;
  }

  /** Notes the size of a frame that has come. */
  note(frameBytes: number): void {
    if (frameBytes <= this.#wanted || frameBytes > MOST_BYTES) return;
    // The next frame may be longer by some digits.
    this.#wanted = Math.ceil(frameBytes / LEAST_BYTES + 0.25) * LEAST_BYTES;
  }

  /** Ends the count of the connection. */
  close(): void {
    if (this.#isOpen) this.#open.count--;
    this.#isOpen = false;
  }
}

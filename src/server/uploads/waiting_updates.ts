import { runtime, type Timer } from "../../base/runtime/runtime.ts";
import type { IncomingBody } from "../../round/cohort/answer.ts";
import type { KeptUpdate } from "./kept_update.ts";

/** Time between two looks at the updates that wait. */
const LOOK_MILLIS = 200;
/**
 * Rate of arrival, in bytes per second, at which the server is busy with the updates whose turn it
 * is. Below it the links are slower than the server, and others can send meanwhile.
 */
const BUSY_BYTES_PER_SECOND = 256e6;

/** Update that waits for its buffer. */
interface Waiting {
  readonly since: number;
  readonly onKept: (kept: KeptUpdate) => void;
}

/**
 * Updates that wait for a staging buffer, and those that are read. While the latter come slowly,
 * the former are kept, so that no client waits for the link of another.
 */
export class WaitingUpdates implements Disposable {
  readonly #keep: (size: number) => KeptUpdate | undefined;
  readonly #now: () => number;
  readonly #waiting = new Map<IncomingBody, Waiting>();
  /** Bytes of each update that were read at the last look. */
  readonly #reading = new Map<IncomingBody, number>();
  #endedBytes = 0;
  #lastLook = 0;
  #timer: Timer | undefined;

  /**
   * Creates an empty set.
   *
   * @param keep Makes room for an update of a size; gives `undefined` when there is none.
   * @param now Gives the time in milliseconds.
   */
  constructor(
    keep: (size: number) => KeptUpdate | undefined,
    now: () => number = () => runtime.clock.now(),
  ) {
    this.#keep = keep;
    this.#now = now;
  }

  /** Adds an update that waits. `onKept` is called with the room for it, if it is to be kept. */
  add(update: IncomingBody, onKept: (kept: KeptUpdate) => void): void {
    this.#waiting.set(update, { since: this.#now(), onKept });
    if (this.#timer !== undefined) return;
    this.#countBytes();
    this.#timer = runtime.timers.setInterval(() => this.look(), LOOK_MILLIS);
  }

  /** Removes an update that does not wait any more. */
  remove(update: IncomingBody): void {
    this.#waiting.delete(update);
  }

  /** Notes that an update is read into its buffer from now on. */
  beginReading(update: IncomingBody): void {
    this.#reading.set(update, update.received);
  }

  /** Notes that an update is read no longer. */
  endReading(update: IncomingBody): void {
    const before = this.#reading.get(update);
    if (before === undefined) return;
    this.#endedBytes += update.received - before;
    this.#reading.delete(update);
  }

  /** Keeps the updates that have waited since the last look, if those that are read come slowly. */
  look(): void {
    if (this.#waiting.size === 0) return this[Symbol.dispose]();
    const last = this.#lastLook, bytes = this.#countBytes(), now = this.#lastLook;
    if (bytes * 1000 >= BUSY_BYTES_PER_SECOND * (now - last)) return;
    for (const [update, { since, onKept }] of this.#waiting) {
      if (since > last) break;
      const kept = this.#keep(update.size);
      if (kept === undefined) break;
      this.#waiting.delete(update);
      onKept(kept);
    }
  }

  /** Counts the bytes that have come since the last look, which is now. */
  #countBytes(): number {
    let bytes = this.#endedBytes;
    for (const [update, before] of this.#reading) {
      bytes += update.received - before;
      this.#reading.set(update, update.received);
    }
    this.#endedBytes = 0;
    this.#lastLook = this.#now();
    return bytes;
  }

  /** Stops looking. */
  [Symbol.dispose](): void {
    runtime.timers.clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

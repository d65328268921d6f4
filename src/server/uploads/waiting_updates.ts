import { runtime, type Timer } from "../../base/runtime/runtime.ts";
import type { IncomingBody } from "../../round/cohort/answer.ts";
import type { KeptUpdate } from "./kept_update.ts";

/** Time between two looks at the updates that wait. */
const LOOK_MILLIS = 200;
/**
 * Rate of all connections together, in bytes per second, at which the server is busy. Below it the
 * links are slower than the server, and more clients can send meanwhile.
 */
const BUSY_BYTES_PER_SECOND = 256e6;

/** Options of {@linkcode WaitingUpdates}. */
export interface WaitingUpdatesOptions {
  /** Makes room for an update of a size; gives `undefined` when there is none. */
  keep(size: number): KeptUpdate | undefined;
  /** Returns the bytes that all connections have sent and received so far. */
  traffic(): number;
  /** Returns the time in milliseconds. Default: the runtime's clock. */
  now?(): number;
}

/** Update that waits for its buffer. */
interface Waiting {
  readonly since: number;
  readonly onKept: (kept: KeptUpdate) => void;
}

/**
 * Updates that wait for a staging buffer. While the server is not busy they are kept, so that no
 * client waits for the link of another.
 */
export class WaitingUpdates implements Disposable {
  readonly #options: Required<WaitingUpdatesOptions>;
  readonly #waiting = new Map<IncomingBody, Waiting>();
  #lastTraffic = 0;
  #lastLook = 0;
  #timer: Timer | undefined;

  /** Creates an empty set. */
  constructor(options: WaitingUpdatesOptions) {
    this.#options = { now: () => runtime.clock.now(), ...options };
  }

  /** Adds an update that waits. `onKept` is called with the room for it, if it is to be kept. */
  add(update: IncomingBody, onKept: (kept: KeptUpdate) => void): void {
    this.#waiting.set(update, { since: this.#options.now(), onKept });
    if (this.#timer !== undefined) return;
    this.#countTraffic();
    this.#timer = runtime.timers.setInterval(() => this.look(), LOOK_MILLIS);
  }

  /** Removes an update that does not wait any more. */
  remove(update: IncomingBody): void {
    this.#waiting.delete(update);
  }

  /** Keeps the updates that have waited since the last look, unless the server is busy. */
  look(): void {
    if (this.#waiting.size === 0) return this[Symbol.dispose]();
    const last = this.#lastLook, bytes = this.#countTraffic(), now = this.#lastLook;
    if (bytes * 1000 >= BUSY_BYTES_PER_SECOND * (now - last)) return;
    for (const [update, { since, onKept }] of this.#waiting) {
      if (since > last) break;
      const kept = this.#options.keep(update.size);
      if (kept === undefined) break;
      this.#waiting.delete(update);
      onKept(kept);
    }
  }

  /** Counts the bytes since the last look, which is now. */
  #countTraffic(): number {
    const { traffic, now } = this.#options;
    const total = traffic(), bytes = total - this.#lastTraffic;
    this.#lastTraffic = total;
    this.#lastLook = now();
    return bytes;
  }

  /** Stops looking. */
  [Symbol.dispose](): void {
    runtime.timers.clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

import { ofRuntime } from "../base/runtime/of_runtime.ts";
import { runtime, type Timer, type Timers } from "../base/runtime/runtime.ts";

/** Parts of an interval, at the end of each of which some of the functions are called. */
const SLOTS = 8;

/** Functions that are called once in each interval of the same length. */
class SharedInterval {
  readonly #timers: Timers;
  readonly #partMillis: number;
  readonly #slots = Array.from({ length: SLOTS }, () => new Set<() => void>());
  /** Number of parts that have ended since the timer was started. */
  #ended = 0;
  #started = 0;
  #size = 0;
  #timer: Timer | undefined;

  constructor(millis: number, timers: Timers) {
    this.#partMillis = millis / SLOTS;
    this.#timers = timers;
  }

  /** Adds a function, and returns one that removes it. */
  add(action: () => void): () => void {
    if (this.#size++ === 0) {
      this.#ended = 0;
      this.#started = runtime.clock.now();
      this.#timer = this.#timers.setInterval(() => this.#endParts(), this.#partMillis);
    }
    // The slot that comes last from now on.
    const slot = this.#slots[(this.#ended + SLOTS - 1) % SLOTS];
    slot?.add(action);
    return () => {
      if (!slot?.delete(action) || --this.#size > 0) return;
      this.#timers.clearInterval(this.#timer);
    };
  }

  /** Ends the parts whose time is over: after a pause of the process, each slot once. */
  #endParts(): void {
    const over = Math.floor((runtime.clock.now() - this.#started) / this.#partMillis);
    const due = Math.max(1, Math.min(over - this.#ended, SLOTS));
    for (let i = 0; i < due && this.#size > 0; i++) {
      const slot = this.#slots[this.#ended++ % SLOTS];
      for (const action of slot ?? []) action();
    }
    this.#ended = Math.max(this.#ended, over);
  }
}

const intervalsOfRuntime = ofRuntime(() => new Map<number, SharedInterval>());

/**
 * Calls a function again and again, as `setInterval` does, but for the first time up to an eighth
 * of the interval earlier. Intervals of the same length share a timer: with one timer for each of
 * 10,000 connections a server spends 2% of a core and 20 MB on timers.
 *
 * @returns A function that ends the calls.
 */
export function startInterval(millis: number, action: () => void): () => void {
  const intervals = intervalsOfRuntime();
  let shared = intervals.get(millis);
  if (shared === undefined) {
    intervals.set(millis, shared = new SharedInterval(millis, runtime.timers));
  }
  return shared.add(action);
}

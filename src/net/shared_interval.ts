import { ofRuntime } from "../base/runtime/of_runtime.ts";
import { runtime, type Timer, type Timers } from "../base/runtime/runtime.ts";

/** Parts of an interval, at the end of each of which some of the functions are called. */
const SLOTS = 8;

/**
 * Functions that are called once in each interval of the same length. The timer waits for the next
 * part of the interval that has any.
 */
class SharedInterval {
  readonly #timers: Timers;
  readonly #partMillis: number;
  readonly #slots = Array.from({ length: SLOTS }, () => new Set<() => void>());
  /** Number of parts that have ended since the first function was added. */
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
    } else this.#skipEmpty();
    // The slot that comes last from now on.
    const slot = this.#slotAt(this.#ended + SLOTS - 1);
    slot?.add(action);
    if (this.#timer === undefined) this.#wait();
    return () => {
      if (!slot?.delete(action) || --this.#size > 0) return;
      this.#timers.clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  #slotAt(part: number): Set<() => void> | undefined {
    return this.#slots[part % SLOTS];
  }

  /** Number of parts whose time is over. */
  get #over(): number {
    return Math.floor((runtime.clock.now() - this.#started) / this.#partMillis);
  }

  /** Ends parts whose time is over and that have no functions. */
  #skipEmpty(): void {
    for (const over = this.#over; this.#ended < over; this.#ended++) {
      if (this.#slotAt(this.#ended)?.size !== 0) return;
    }
  }

  /** Waits for the end of the next part that has functions. */
  #wait(): void {
    let next = this.#ended;
    while (this.#slotAt(next)?.size === 0) next++;
    const due = this.#started + (next + 1) * this.#partMillis;
    this.#timer = this.#timers.setTimeout(() => {
      this.#timer = undefined;
      this.#endParts();
      if (this.#size > 0 && this.#timer === undefined) this.#wait();
    }, Math.max(1, Math.ceil(due - runtime.clock.now())));
  }

  /** Ends the parts whose time is over: after a pause of the process, each slot once. */
  #endParts(): void {
    const over = this.#over;
    const due = Math.min(over - this.#ended, SLOTS);
    for (let i = 0; i < due && this.#size > 0; i++) {
      for (const action of this.#slotAt(this.#ended++) ?? []) action();
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

import { runtime, type Timer } from "../../base/runtime/runtime.ts";

/** Functions that are called in one turn of the event loop. */
const BATCH = 256;

/**
 * Functions that are called in their order, a batch in each turn of the event loop: what a batch
 * has begun may end, and its memory is free, before the next one begins.
 */
export class TurnQueue {
  #actions: readonly (() => void)[] = [];
  #next = 0;
  #timer: Timer | undefined;

  /** Calls the first functions at once and the others later, in place of any that are left. */
  begin(actions: readonly (() => void)[]): void {
    this.clear();
    this.#actions = actions;
    this.#callBatch();
  }

  /** Drops the functions that have not been called. */
  clear(): void {
    runtime.timers.clearTimeout(this.#timer);
    this.#actions = [];
    this.#next = 0;
  }

  #callBatch(): void {
    const actions = this.#actions, end = Math.min(this.#next + BATCH, actions.length);
    while (this.#next < end) actions[this.#next++]?.();
    if (end < actions.length) {
      this.#timer = runtime.timers.setTimeout(() => this.#callBatch(), 0);
    } else this.clear();
  }
}

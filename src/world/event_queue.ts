import type { Actor } from "./actor.ts";

/** Action that the world takes at a time of its clock. */
export interface WorldEvent {
  /** Time in milliseconds of the world's clock. */
  at: number;
  /** Number among all events, in the order in which they were scheduled. */
  order: number;
  /** Process whose turn the action is; `undefined` for the network, a disk or a fault. */
  readonly actor: Actor | undefined;
  /** The action. */
  readonly action: () => void;
  /** Called in place of the action if the actor is gone. */
  readonly onGone: (() => void) | undefined;
  /** Called in place of the action if the actor is paused; it is held otherwise. */
  readonly onPaused: (() => void) | undefined;
  /** Real work that has to end before the action, such as a digest by WebCrypto. */
  readonly ready: Promise<unknown> | undefined;
  /** Set once the event was cancelled, or taken out of the queue. */
  isOver: boolean;
}

/** Number of cancelled events above which they are taken out, if they are most of the queue. */
const MANY_CANCELLED = 1000;

/** Returns true if an event comes before another: by time, then by the order of scheduling. */
function isBefore(a: WorldEvent, b: WorldEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/**
 * Queue of events by time; events of the same time leave it in the order in which they were
 * scheduled. A binary heap from which cancelled events are left out.
 */
export class EventQueue {
  #heap: WorldEvent[] = [];
  #cancelled = 0;

  /** Adds an event. */
  add(event: WorldEvent): void {
    this.#heap.push(event);
    this.#rise(this.#heap.length - 1);
  }

  /** Cancels an event. Does nothing if it is over. */
  cancel(event: WorldEvent): void {
    if (event.isOver) return;
    event.isOver = true;
    this.#cancelled++;
    if (this.#cancelled > MANY_CANCELLED && this.#cancelled > this.#heap.length / 2) this.#sweep();
  }

  /** Takes the next event; `undefined` if there is none. */
  take(): WorldEvent | undefined {
    for (;;) {
      const first = this.#heap[0], last = this.#heap.pop();
      if (first === undefined || last === undefined) return undefined;
      if (last !== first) {
        this.#heap[0] = last;
        this.#sink(0);
      }
      if (!first.isOver) {
        first.isOver = true;
        return first;
      }
      this.#cancelled--;
    }
  }

  /** Time of the next event; `undefined` if there is none. */
  get nextTime(): number | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (!first.isOver) return first.at;
      this.#cancelled--;
      const last = this.#heap.pop();
      if (last === undefined || last === first) continue;
      this.#heap[0] = last;
      this.#sink(0);
    }
    return undefined;
  }

  #sweep(): void {
    this.#heap = this.#heap.filter(({ isOver }) => !isOver);
    this.#cancelled = 0;
    for (let i = this.#heap.length >> 1; i >= 0; i--) this.#sink(i);
  }

  #rise(from: number): void {
    for (let i = from; i > 0;) {
      const parent = (i - 1) >> 1;
      if (!this.#swapUnlessOrdered(parent, i)) return;
      i = parent;
    }
  }

  #sink(from: number): void {
    const { length } = this.#heap;
    for (let i = from;;) {
      const left = 2 * i + 1, right = left + 1;
      if (left >= length) return;
      const child = right < length && this.#isBeforeAt(right, left) ? right : left;
      if (!this.#swapUnlessOrdered(i, child)) return;
      i = child;
    }
  }

  #isBeforeAt(i: number, j: number): boolean {
    const a = this.#heap[i], b = this.#heap[j];
    return a !== undefined && b !== undefined && isBefore(a, b);
  }

  /** Exchanges a parent and its child if the child comes before it; returns true if it did. */
  #swapUnlessOrdered(parent: number, child: number): boolean {
    const upper = this.#heap[parent], lower = this.#heap[child];
    if (upper === undefined || lower === undefined || !isBefore(lower, upper)) return false;
    this.#heap[parent] = lower;
    this.#heap[child] = upper;
    return true;
  }
}

import type { Rank } from "../../base/rank.ts";
import { runtime, type Timer } from "../../base/runtime/runtime.ts";

/** Ranks whose clients are expected back: for a time, or until that is called off. */
export class AwayRanks {
  readonly #timers = new Map<Rank, Timer | undefined>();
  readonly #onChange: (rank: Rank) => void;

  /** Creates an empty set; `onChange` is called with each rank that comes in or goes out. */
  constructor(onChange: (rank: Rank) => void) {
    this.#onChange = onChange;
  }

  /** Number of ranks. */
  get size(): number {
    return this.#timers.size;
  }

  /** The ranks, in order. */
  get ranks(): Rank[] {
    return [...this.#timers.keys()].sort((a, b) => a - b);
  }

  /** Reports whether a rank is expected back. */
  has(rank: Rank): boolean {
    return this.#timers.has(rank);
  }

  /** Reports whether a rank is expected back only for a time. */
  isTimed(rank: Rank): boolean {
    return this.#timers.get(rank) !== undefined;
  }

  /** Expects a rank back without a limit of time. */
  add(rank: Rank): void {
    runtime.timers.clearTimeout(this.#timers.get(rank));
    this.#timers.set(rank, undefined);
    this.#onChange(rank);
  }

  /** Expects a rank back for some seconds, after which `onEnd` is called. */
  addFor(rank: Rank, seconds: number, onEnd: () => void): void {
    runtime.timers.clearTimeout(this.#timers.get(rank));
    this.#timers.set(rank, runtime.timers.setTimeout(onEnd, seconds * 1000));
    this.#onChange(rank);
  }

  /** Expects a rank back no longer. */
  delete(rank: Rank): void {
    runtime.timers.clearTimeout(this.#timers.get(rank));
    this.#timers.delete(rank);
    this.#onChange(rank);
  }

  /** Ends all waits; the ranks stay. */
  close(): void {
    for (const timer of this.#timers.values()) runtime.timers.clearTimeout(timer);
  }
}

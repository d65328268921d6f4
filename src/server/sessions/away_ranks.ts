import type { Rank } from "../../base/rank.ts";
import { startDeadline } from "../../base/time/start_deadline.ts";

/** Ranks whose clients are expected back: for a time, or until that is called off. */
export class AwayRanks {
  /** Functions that end the waits with a limit. */
  readonly #timers = new Map<Rank, (() => void) | undefined>();
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
    this.#timers.get(rank)?.();
    this.#timers.set(rank, undefined);
    this.#onChange(rank);
  }

  /** Expects a rank back for some seconds, after which `onEnd` is called. */
  addFor(rank: Rank, seconds: number, onEnd: () => void): void {
    this.#timers.get(rank)?.();
    this.#timers.set(rank, startDeadline(seconds * 1000, onEnd));
    this.#onChange(rank);
  }

  /** Expects a rank back no longer. */
  delete(rank: Rank): void {
    this.#timers.get(rank)?.();
    this.#timers.delete(rank);
    this.#onChange(rank);
  }

  /** Ends all waits; the ranks stay. */
  close(): void {
    for (const end of this.#timers.values()) end?.();
  }
}

import type { Rank } from "../../base/rank.ts";

/**
 * Counter of the tasks without an accepted update since the last update was accepted, by rank. A
 * run in which every client fails again and again will not recover by itself; failures of one
 * client mean nothing for the others.
 */
export class RefusedUpdates {
  readonly #most: number;
  readonly #counts = new Map<Rank, number>();

  /** Creates a counter that tolerates `most` refused updates in a row from each client. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Number of refused updates. */
  get total(): number {
    return this.#counts.values().reduce((sum, count) => sum + count, 0);
  }

  /** Counts an update of the rank that was refused, or did not come. */
  add(rank: Rank): void {
    this.#counts.set(rank, (this.#counts.get(rank) ?? 0) + 1);
  }

  /** Forgets a rank that has left. */
  forget(rank: Rank): void {
    this.#counts.delete(rank);
  }

  /** Starts anew after an update was accepted. */
  clear(): void {
    this.#counts.clear();
  }

  /** Reports whether too many updates were refused of each counted rank and each candidate. */
  isTooMany(candidates: Iterable<Rank>): boolean {
    const isPast = (rank: Rank) => (this.#counts.get(rank) ?? 0) > this.#most;
    return [...this.#counts.keys(), ...candidates].every(isPast);
  }
}

import type { Rank } from "../../base/rank.ts";

/**
 * Updates that were asked for and refused since the last one that was taken in, by rank: a run in
 * which that happens to everybody again and again will not go on by itself. Those of one client say
 * nothing of the others.
 */
export class RefusedUpdates {
  readonly #most: number;
  readonly #counts = new Map<Rank, number>();

  /** Of each client so many in a row are borne. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Number of them. */
  get total(): number {
    return this.#counts.values().reduce((sum, count) => sum + count, 0);
  }

  /** One of the rank's was refused, or did not come. */
  add(rank: Rank): void {
    this.#counts.set(rank, (this.#counts.get(rank) ?? 0) + 1);
  }

  /** The rank is gone. */
  forget(rank: Rank): void {
    this.#counts.delete(rank);
  }

  /** An update was taken in. */
  clear(): void {
    this.#counts.clear();
  }

  /** Whether too many were refused of all of them, and of those ranks, who may give one still. */
  isTooMany(others: Iterable<Rank>): boolean {
    const isPast = (rank: Rank) => (this.#counts.get(rank) ?? 0) > this.#most;
    return [...this.#counts.keys(), ...others].every(isPast);
  }
}

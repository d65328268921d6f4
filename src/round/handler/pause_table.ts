import type { Rank } from "../../base/rank.ts";

/** Clients that pause, by the last round of the pause. */
export class PauseTable {
  readonly #lastRounds = new Map<Rank, number>();
  readonly #ranks = new Map<number, Set<Rank>>();

  /** Sets the last round of a client's pause; `undefined` for none. */
  set(rank: Rank, until: number | undefined): void {
    const before = this.#lastRounds.get(rank);
    if (before === until) return;
    if (before !== undefined) {
      const paused = this.#ranks.get(before);
      paused?.delete(rank);
      if (paused?.size === 0) this.#ranks.delete(before);
      this.#lastRounds.delete(rank);
    }
    if (until === undefined) return;
    this.#lastRounds.set(rank, until);
    const paused = this.#ranks.get(until);
    if (paused) paused.add(rank);
    else this.#ranks.set(until, new Set([rank]));
  }

  /** Returns the clients that pause in a round: those first whose pause ends first. */
  in(round: number): Rank[] {
    const rounds = [...this.#ranks.keys()].filter((until) => until >= round);
    return rounds.sort((a, b) => a - b)
      .flatMap((until) => [...this.#ranks.get(until) ?? []].sort((a, b) => a - b));
  }

  /** Forgets all pauses. */
  clear(): void {
    this.#lastRounds.clear();
    this.#ranks.clear();
  }
}

import type { Rank } from "../../base/rank.ts";

/**
 * Waits of ranks for a condition. A wake concerns one rank, so that its cost does not depend on how
 * many others wait.
 */
export class RankWaits {
  readonly #waits = new Map<Rank, (() => void)[]>();

  /** Waits for a condition that only a wake of that rank can make true. */
  async until(rank: Rank, isDue: () => boolean): Promise<void> {
    while (!isDue()) {
      await new Promise<void>((wake) => {
        const waits = this.#waits.get(rank);
        if (waits === undefined) this.#waits.set(rank, [wake]);
        else waits.push(wake);
      });
    }
  }

  /** Has the waits of a rank look at their conditions again. */
  wake(rank: Rank): void {
    const waits = this.#waits.get(rank);
    if (waits === undefined) return;
    this.#waits.delete(rank);
    for (const wake of waits) wake();
  }
}

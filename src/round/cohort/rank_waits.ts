import type { Rank } from "../../base/rank.ts";

/** Wait for a condition. */
interface Wait {
  isDue(): boolean;
  resolve(): void;
}

/**
 * Waits of ranks for a condition. A wake concerns one rank, so that its cost does not depend on how
 * many others wait.
 */
export class RankWaits {
  readonly #waits = new Map<Rank, Wait[]>();

  /** Waits for a condition that only a wake of that rank can make true. */
  until(rank: Rank, isDue: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      if (isDue()) return resolve();
      const wait = { isDue, resolve }, waits = this.#waits.get(rank);
      if (waits === undefined) this.#waits.set(rank, [wait]);
      else waits.push(wait);
    });
  }

  /** Has the waits of a rank look at their conditions again. */
  wake(rank: Rank): void {
    const waits = this.#waits.get(rank);
    if (waits === undefined) return;
    const left = waits.filter(({ isDue }) => !isDue());
    if (left.length === 0) this.#waits.delete(rank);
    else this.#waits.set(rank, left);
    for (const wait of waits) if (!left.includes(wait)) wait.resolve();
  }
}

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
  /** Waits by rank: one, as nearly always, or several. */
  readonly #waits = new Map<Rank, Wait | Wait[]>();

  /** Waits for a condition that only a wake of that rank can make true. */
  until(rank: Rank, isDue: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      if (isDue()) resolve();
      else this.#add(rank, { isDue, resolve });
    });
  }

  /** Has the waits of a rank look at their conditions again. */
  wake(rank: Rank): void {
    const waits = this.#waits.get(rank);
    if (waits === undefined) return;
    if (!Array.isArray(waits)) {
      if (end(waits)) this.#waits.delete(rank);
      return;
    }
    const left = waits.filter((wait) => !end(wait));
    if (left.length === 0) this.#waits.delete(rank);
    else this.#waits.set(rank, left);
  }

  #add(rank: Rank, wait: Wait): void {
    const waits = this.#waits.get(rank);
    if (waits === undefined) this.#waits.set(rank, wait);
    else this.#waits.set(rank, Array.isArray(waits) ? [...waits, wait] : [waits, wait]);
  }
}

/** Ends a wait if it is due, and reports whether it is. */
function end({ isDue, resolve }: Wait): boolean {
  const isOver = isDue();
  if (isOver) resolve();
  return isOver;
}

import type { Rank } from "../../base/rank.ts";

/** Name of a client in an account: the identity of its key, or its rank where it has none. */
export type Owner = Rank | string;

/**
 * Keys that ranks belong to. A client with a key is the same client under any rank; one without a
 * key is known by its rank alone.
 */
export class Owners {
  readonly #keys = new Map<Rank, string>();

  /** Notes the identity of the key that a rank belongs to now; `undefined` for none. */
  seat(rank: Rank, key: string | undefined): void {
    if (key === undefined) this.#keys.delete(rank);
    else this.#keys.set(rank, key);
  }

  /** Returns the name of the client that has a rank. */
  of(rank: Rank): Owner {
    return this.#keys.get(rank) ?? rank;
  }

  /** Returns the ranks of clients, of each the lowest: a client takes part once in a round. */
  distinct(ranks: readonly Rank[]): readonly Rank[] {
    if (this.#keys.size === 0) return ranks;
    const seen = new Set<Owner>();
    return ranks.toSorted((a, b) => a - b).filter((rank) => {
      const owner = this.of(rank), isNew = !seen.has(owner);
      seen.add(owner);
      return isNew;
    });
  }

  /** Ranks with a key, and the identity of that key. */
  get keyed(): MapIterator<[Rank, string]> {
    return this.#keys.entries();
  }
}

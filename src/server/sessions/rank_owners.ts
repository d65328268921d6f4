import type { Rank } from "../../base/rank.ts";

/** Owners of ranks, such as session tokens or identities, which can be looked up either way. */
export class RankOwners {
  readonly #owners = new Map<Rank, string>();
  readonly #ranks = new Map<string, Set<Rank>>();

  /** Creates the table of these owners. */
  constructor(owners: Iterable<readonly [Rank, string]> = []) {
    for (const [rank, owner] of owners) this.set(rank, owner);
  }

  /** The owners by rank, in rank order. */
  get sorted(): (readonly [Rank, string])[] {
    return [...this.#owners].sort(([a], [b]) => a - b);
  }

  /** Returns the owner of a rank. */
  get(rank: Rank): string | undefined {
    return this.#owners.get(rank);
  }

  /** Returns the ranks of an owner, in the order in which it got them. */
  ranksOf(owner: string): Rank[] {
    return [...this.#ranks.get(owner) ?? []];
  }

  /** Gives a rank to an owner. */
  set(rank: Rank, owner: string): void {
    this.delete(rank);
    this.#owners.set(rank, owner);
    const ranks = this.#ranks.get(owner);
    if (ranks === undefined) this.#ranks.set(owner, new Set([rank]));
    else ranks.add(rank);
  }

  /** Takes a rank from its owner, if it has one. */
  delete(rank: Rank): void {
    const owner = this.#owners.get(rank);
    if (owner === undefined) return;
    this.#owners.delete(rank);
    const ranks = this.#ranks.get(owner);
    ranks?.delete(rank);
    if (ranks?.size === 0) this.#ranks.delete(owner);
  }
}

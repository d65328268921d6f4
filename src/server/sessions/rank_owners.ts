import type { Rank } from "../../base/rank.ts";

/** Owners of ranks, such as session tokens or identities, which can be looked up either way. */
export class RankOwners {
  readonly #owners = new Map<Rank, string>();
  /** Ranks by owner: one, as nearly always, or several. */
  readonly #ranks = new Map<string, Rank | Set<Rank>>();

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
    const ranks = this.#ranks.get(owner) ?? [];
    return typeof ranks === "number" ? [ranks] : [...ranks];
  }

  /** Gives a rank to an owner. */
  set(rank: Rank, owner: string): void {
    this.delete(rank);
    this.#owners.set(rank, owner);
    const ranks = this.#ranks.get(owner);
    if (ranks === undefined) this.#ranks.set(owner, rank);
    else if (typeof ranks === "number") this.#ranks.set(owner, new Set([ranks, rank]));
    else ranks.add(rank);
  }

  /** Takes a rank from its owner, if it has one. */
  delete(rank: Rank): void {
    const owner = this.#owners.get(rank);
    if (owner === undefined) return;
    this.#owners.delete(rank);
    const ranks = this.#ranks.get(owner);
    if (typeof ranks === "object" && ranks.delete(rank) && ranks.size > 0) return;
    this.#ranks.delete(owner);
  }
}

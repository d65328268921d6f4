import type { Rank } from "../../base/rank.ts";
import { RankRanges } from "../../base/rank_ranges.ts";
import type { ProcessGroup } from "../../net/process_group.ts";

/** Ranks without a client, in the order in which clients that ask for none get them. */
export class SpareRanks {
  readonly #group: ProcessGroup<unknown>;
  readonly #away: { has(rank: Rank): boolean };
  readonly #kept: ReadonlySet<Rank>;
  /** Ranks that nobody has or is expected back for. */
  readonly #idle: RankRanges;
  /** Those of them that no client of an earlier run may ask for. */
  readonly #fresh: RankRanges;

  /**
   * Creates the spare ranks of a group without members.
   *
   * @param away Ranks that are expected back.
   * @param kept Ranks of an earlier run, whose clients may ask for them.
   */
  constructor(
    group: ProcessGroup<unknown>,
    away: { has(rank: Rank): boolean },
    kept: readonly Rank[],
  ) {
    this.#group = group;
    this.#away = away;
    this.#kept = new Set(kept);
    this.#idle = new RankRanges(1, group.worldSize - 1);
    this.#fresh = new RankRanges(1, group.worldSize - 1);
    for (const rank of kept) this.#fresh.delete(rank);
  }

  /** Notes that a rank was claimed, has become free, or is expected back or not any more. */
  update(rank: Rank): void {
    const isIn = rank >= 1 && rank < this.#group.worldSize;
    const isIdle = isIn && this.#group.claimant(rank) === undefined && !this.#away.has(rank);
    this.#idle.put(rank, isIdle);
    this.#fresh.put(rank, isIdle && !this.#kept.has(rank));
  }

  /**
   * Finds the lowest rank that is fit. Ranks of an earlier run come late, and those that are
   * expected back last.
   */
  find(isFit: (rank: Rank) => boolean): Rank | undefined {
    for (const ranks of [this.#fresh, this.#idle, this.#group.free]) {
      for (const rank of ranks) if (isFit(rank)) return rank;
    }
    return undefined;
  }
}

/**
 * Ranks of a group's clients.
 *
 * @module
 */

import { checkInRange } from "../base/check.ts";
import { ProtocolError } from "../base/errors.ts";
import type { Rank } from "../base/rank.ts";
import { RankRanges } from "../base/rank_ranges.ts";

/** Ranges of missing ranks that are named when the group fills. */
const MOST_NAMED_RANGES = 20;

/**
 * Clients of a group by rank. A member first claims a rank, and counts as joined once it is ready.
 */
export class ProcessGroup<Member> {
  /** Number of processes, the server included. */
  readonly worldSize: number;
  readonly #claimed = new Map<Rank, Member>();
  readonly #ready = new RankRanges();
  readonly #missing: RankRanges;
  readonly #free: RankRanges;
  readonly #watchers = new Set<{ readonly condition: () => boolean; readonly wake: () => void }>();

  /**
   * Creates a group.
   *
   * @param worldSize Number of processes, the server included.
   * @throws {RangeError} If the number is below 2.
   */
  constructor(worldSize: number) {
    const range = { whole: true, least: 2 };
    checkInRange(worldSize, range, "Cannot make a group", "a world size of at least 2");
    this.worldSize = worldSize;
    this.#missing = new RankRanges(1, worldSize - 1);
    this.#free = new RankRanges(1, worldSize - 1);
  }

  /**
   * Claims the rank that the member asks for or, without one, the lowest free rank.
   *
   * @throws {ProtocolError} "rank-out-of-range", "rank-taken" or "group-full".
   */
  claim(member: Member, rank?: Rank): Rank {
    const last = this.worldSize - 1;
    if (rank === undefined) {
      rank = this.#free.first;
      if (rank === undefined) {
        throw new ProtocolError(
          "group-full",
          `Cannot join: expected a free rank from 1 to ${last}, all are taken`,
        );
      }
    } else if (!Number.isInteger(rank) || rank < 1 || rank > last) {
      throw new ProtocolError(
        "rank-out-of-range",
        `Cannot join: expected a rank from 1 to ${last}, got ${rank}`,
      );
    } else if (this.#claimed.has(rank)) {
      throw new ProtocolError("rank-taken", `Cannot join: rank ${rank} is taken by another client`);
    }
    this.#claimed.set(rank, member);
    this.#free.delete(rank);
    return rank;
  }

  /** Marks a rank as joined. */
  ready(rank: Rank): void {
    if (this.#claimed.has(rank)) {
      this.#ready.add(rank);
      this.#missing.delete(rank);
    }
    this.changed();
  }

  /** Frees a rank, if that member has claimed it. */
  leave(rank: Rank, member: Member): void {
    if (this.#claimed.get(rank) !== member) return;
    this.#claimed.delete(rank);
    this.#free.add(rank);
    this.#ready.delete(rank);
    this.#missing.add(rank);
    this.changed();
  }

  /** Returns the member that has claimed a rank, joined or not. */
  claimant(rank: Rank): Member | undefined {
    return this.#claimed.get(rank);
  }

  /** Returns the member of a rank, if it has joined. */
  get(rank: Rank): Member | undefined {
    return this.#ready.has(rank) ? this.#claimed.get(rank) : undefined;
  }

  /** Number of ranks that have joined. */
  get size(): number {
    return this.#ready.size;
  }

  /** Ranks that have joined, in order. */
  get ranks(): Rank[] {
    return [...this.#ready];
  }

  /** The ranks that have not, in order. */
  get missing(): Rank[] {
    return [...this.#missing];
  }

  /** The ranks without a member, joined or not, in order. */
  get free(): Iterable<Rank> {
    return this.#free;
  }

  /**
   * Progress of joining: `"2 of 4 clients joined; waiting for ranks 3, 4"`. Names the first 20
   * ranges of the ranks that are missing.
   */
  get progress(): string {
    const { size } = this.#missing;
    const joined = `${this.size} of ${this.worldSize - 1} clients joined`;
    if (size === 0) return joined;
    return `${joined}; waiting for ${size === 1 ? "rank" : "ranks"} ${
      this.#missing.format(MOST_NAMED_RANGES)
    }`;
  }

  /** Resolves once so many have joined, or with the signal's reason as rejection. */
  async joined(count: number, signal?: AbortSignal): Promise<void> {
    await this.until(() => this.size >= count, signal);
  }

  /**
   * Resolves once the condition holds, which is looked at whenever a member comes or goes; rejects
   * with the signal's reason.
   */
  async until(condition: () => boolean, signal?: AbortSignal): Promise<void> {
    while (!condition()) {
      signal?.throwIfAborted();
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = () => resolve();
      const watcher = { condition, wake };
      this.#watchers.add(watcher);
      signal?.addEventListener("abort", wake);
      await promise;
      this.#watchers.delete(watcher);
      signal?.removeEventListener("abort", wake);
    }
  }

  /** Checks the conditions of {@linkcode until} again. */
  changed(): void {
    for (const { condition, wake } of this.#watchers) if (condition()) wake();
  }
}

import type { Rank } from "../../base/rank.ts";
import type { KnownClient } from "../selection/selection.ts";

/** Knowledge of a client before the server knows anything. */
export const UNKNOWN: KnownClient = { answered: 0, dropped: 0, lastRound: 0 };

/**
 * Clients by rank. Those that have only joined, one after the other from rank 1 on, are a list of
 * numbers of samples: a simulation of a million clients has few others.
 */
export interface ClientTable {
  /** Clients of which more is known, or that joined in another order. */
  readonly clients: ReadonlyMap<Rank, KnownClient>;
  /** Number of samples of each of the ranks 1, 2, … */
  readonly samples: Float64Array;
  /** Number of those ranks. */
  readonly joined: number;
}

/** View of a table of clients as a map in rank order. */
export class KnownView implements ReadonlyMap<Rank, KnownClient> {
  readonly #table: ClientTable;

  constructor(table: ClientTable) {
    this.#table = table;
  }

  /** Number of known clients. */
  get size(): number {
    const { clients, joined } = this.#table;
    let size = joined;
    for (const rank of clients.keys()) if (!this.#isJoined(rank)) size++;
    return size;
  }

  /** Returns what is known of a client. */
  get(rank: Rank): KnownClient | undefined {
    const { clients, samples } = this.#table;
    const client = clients.get(rank);
    if (client || !this.#isJoined(rank)) return client;
    return { ...UNKNOWN, numSamples: samples[rank - 1] ?? NaN };
  }

  /** Returns true for a known client. */
  has(rank: Rank): boolean {
    return this.#isJoined(rank) || this.#table.clients.has(rank);
  }

  /** Calls a function for each known client, in rank order. */
  forEach(call: (client: KnownClient, rank: Rank, map: this) => void): void {
    for (const [rank, client] of this) call(client, rank, this);
  }

  /** Gives the ranks of the known clients, in order. */
  *keys(): MapIterator<Rank> {
    const { clients, joined } = this.#table;
    const others = [...clients.keys()].filter((rank) => !this.#isJoined(rank))
      .sort((a, b) => a - b);
    // The ranks that joined in order are 1, 2, … without a gap, and others may be below 1.
    let next = 0;
    while ((others[next] ?? 1) < 1) yield others[next++] ?? 0;
    for (let rank = 1; rank <= joined; rank++) yield rank;
    yield* others.slice(next);
  }

  /** Gives the known clients, in rank order. */
  *values(): MapIterator<KnownClient> {
    for (const [, client] of this) yield client;
  }

  /** Gives the known clients with their ranks, in rank order. */
  entries(): MapIterator<[Rank, KnownClient]> {
    return this[Symbol.iterator]();
  }

  /** Gives the known clients with their ranks, in rank order. */
  *[Symbol.iterator](): MapIterator<[Rank, KnownClient]> {
    for (const rank of this.keys()) yield [rank, this.get(rank) ?? UNKNOWN];
  }

  #isJoined(rank: Rank): boolean {
    return Number.isInteger(rank) && rank >= 1 && rank <= this.#table.joined;
  }
}

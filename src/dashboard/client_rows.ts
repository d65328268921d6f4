import type { Rank } from "../base/rank.ts";
import { type ClientRow, type ClientState, MAX_ROWS } from "./view.ts";

/** Table of clients: a row for each of the first {@linkcode MAX_ROWS}, and which have changed. */
export class ClientRows {
  readonly #rows = new Map<Rank, ClientRow>();
  readonly #counts: Record<ClientState, number> = { present: 0, away: 0, left: 0 };
  readonly #omitted = new Set<Rank>();
  #changed = new Set<Rank>();

  /** All rows, in the order in which the clients appeared. */
  get all(): ClientRow[] {
    return [...this.#rows.values()];
  }

  /** Number of clients by state, and of those without a row. */
  get counts(): { clients: Readonly<Record<ClientState, number>>; clientsOmitted: number } {
    return { clients: { ...this.#counts }, clientsOmitted: this.#omitted.size };
  }

  /** Returns the row of a client. */
  get(rank: Rank): ClientRow | undefined {
    return this.#rows.get(rank);
  }

  /** Changes the row of a client, or adds one. */
  set(rank: Rank, change: Partial<ClientRow>): void {
    const before = this.#rows.get(rank);
    if (before === undefined && this.#rows.size >= MAX_ROWS) {
      this.#omitted.add(rank);
      return;
    }
    const row = { received: 0, refused: 0, state: "present" as const, ...before, ...change, rank };
    if (before !== undefined) this.#counts[before.state]--;
    this.#counts[row.state]++;
    this.#rows.set(rank, row);
    this.#changed.add(rank);
  }

  /** Returns the rows that have changed since the last call. */
  takeChanged(): ClientRow[] {
    const changed = [...this.#changed].flatMap((rank) => this.#rows.get(rank) ?? []);
    this.#changed = new Set();
    return changed;
  }
}

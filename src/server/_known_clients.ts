import type { Rank } from "../net/process_group.ts";
import type { KnownClient } from "./selection/selection.ts";

const UNKNOWN: KnownClient = { answered: 0, dropped: 0, lastRound: 0 };

/** What has been learnt of the clients, by rank. */
export class KnownClients {
  readonly #clients = new Map<Rank, KnownClient>();

  /** All of whom anything is known as of now, in rank order: who joined first must not matter. */
  get all(): ReadonlyMap<Rank, KnownClient> {
    return new Map([...this.#clients].sort(([a], [b]) => a - b));
  }

  /** A client has said how many samples it has. */
  joined(rank: Rank, numSamples: number): void {
    this.#clients.set(rank, { ...this.#of(rank), numSamples });
  }

  /** A client's update was taken in. */
  answered(rank: Rank, update: { round: number; numSamples?: number; loss?: number }): void {
    const before = this.#of(rank);
    const { round: lastRound, numSamples = before.numSamples, loss = before.loss } = update;
    this.#clients.set(rank, {
      ...before,
      ...(numSamples !== undefined && { numSamples }),
      ...(loss !== undefined && { loss }),
      answered: before.answered + 1,
      lastRound,
    });
  }

  /** A client was chosen and gave no update that counts. */
  dropped(rank: Rank, round: number): void {
    const before = this.#of(rank);
    this.#clients.set(rank, { ...before, dropped: before.dropped + 1, lastRound: round });
  }

  /** What can be written as JSON. */
  save(): [Rank, KnownClient][] {
    return [...this.all];
  }

  /** Takes up what {@linkcode save} gave; a `TypeError` when it is not that. */
  restore(saved: unknown): void {
    if (!Array.isArray(saved) || !saved.every(isEntry)) {
      throw new TypeError(
        "Cannot resume from the checkpoint: expected what is known of each client, got something else",
      );
    }
    this.#clients.clear();
    for (const [rank, client] of saved) this.#clients.set(rank, client);
  }

  #of(rank: Rank): KnownClient {
    return this.#clients.get(rank) ?? UNKNOWN;
  }
}

function isEntry(entry: unknown): entry is [Rank, KnownClient] {
  if (!Array.isArray(entry) || !isCount(entry[0]) || Object(entry[1]) !== entry[1]) return false;
  const { numSamples = 1, loss = 0, answered, dropped, lastRound } = entry[1] as KnownClient;
  return [numSamples, answered, dropped, lastRound].every(isCount) && numSamples > 0 &&
    Number.isFinite(loss);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

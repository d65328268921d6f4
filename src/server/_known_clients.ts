import type { Rank } from "../net/process_group.ts";
import type { KnownClient } from "./selection/selection.ts";

const UNKNOWN: KnownClient = { answered: 0, dropped: 0, lastRound: 0 };
/** How often in a row a client may give no update before it is left out. */
const MOST_MISSES = 2;
/** Rounds that a client is left out of at most, before it is asked again. */
const LONGEST_PAUSE = 64;

/** What has been learnt of the clients, by rank. */
export class KnownClients {
  readonly #clients = new Map<Rank, KnownClient>();
  /** Of each client, what was known before its last update, which may be refused after all. */
  readonly #former = new Map<Rank, { readonly round: number; readonly client: KnownClient }>();

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
    const client = this.#of(rank);
    const { misses: _misses, pausedUntil: _pausedUntil, ...before } = client;
    if (this.#former.get(rank)?.round !== update.round) {
      this.#former.set(rank, { round: update.round, client });
    }
    const { round: lastRound, numSamples = before.numSamples, loss = before.loss } = update;
    this.#clients.set(rank, {
      ...before,
      ...(numSamples !== undefined && { numSamples }),
      ...(loss !== undefined && { loss }),
      answered: before.answered + 1,
      lastRound,
    });
  }

  /**
   * A client was chosen and gave no update that counts. One whose update was refused, or who gave none twice in a row, is left out of the rounds that follow: of
   * 1, and of twice as many with each further time.
   */
  dropped(rank: Rank, round: number, isRefused = false): void {
    const former = this.#former.get(rank);
    // An update that was taken in and is refused after all was no answer.
    const before = isRefused && former?.round === round ? former.client : this.#of(rank);
    const { misses: missed = 0, lastRound } = before;
    // The tries of one round count once.
    const isRepeated = missed > 0 && lastRound === round;
    const more = missed + (isRepeated && !isRefused ? 0 : 1);
    const misses = isRefused ? Math.max(more, MOST_MISSES) : more;
    const pause = misses < MOST_MISSES ? 0 : Math.min(2 ** (misses - MOST_MISSES), LONGEST_PAUSE);
    this.#clients.set(rank, {
      ...before,
      dropped: before.dropped + 1,
      lastRound: round,
      misses,
      ...(pause > 0 && { pausedUntil: round + pause }),
    });
  }

  /** Clients that are left out of a round while there are enough others; those whose pause ends last come last. */
  paused(round: number): Rank[] {
    return [...this.#clients]
      .filter(([, { pausedUntil = 0 }]) => pausedUntil >= round)
      .sort(([a, one], [b, other]) => (one.pausedUntil ?? 0) - (other.pausedUntil ?? 0) || a - b)
      .map(([rank]) => rank);
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
    this.#former.clear();
    for (const [rank, client] of saved) this.#clients.set(rank, client);
  }

  #of(rank: Rank): KnownClient {
    return this.#clients.get(rank) ?? UNKNOWN;
  }
}

function isEntry(entry: unknown): entry is [Rank, KnownClient] {
  if (!Array.isArray(entry) || !isCount(entry[0]) || Object(entry[1]) !== entry[1]) return false;
  const { numSamples = 1, loss = 0, answered, dropped, lastRound } = entry[1] as KnownClient;
  const { misses = 0, pausedUntil = 0 } = entry[1] as KnownClient;
  return [numSamples, answered, dropped, lastRound, misses, pausedUntil].every(isCount) &&
    numSamples > 0 && Number.isFinite(loss);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

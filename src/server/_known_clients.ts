import { isCount } from "../_is_count.ts";
import type { Rank } from "../net/process_group.ts";
import type { UpdateFigures } from "./_update_bound.ts";
import type { KnownClient } from "./selection/selection.ts";

const UNKNOWN: KnownClient = { answered: 0, dropped: 0, lastRound: 0 };
/** How often a client may give no update before it is left out. */
const MOST_MISSES = 2;
/** How much of its misses an update makes good: who misses every other round is left out as well, in time. */
const FORGIVEN = 0.5;
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
  answered(
    rank: Rank,
    update: { round: number; numSamples?: number; loss?: number; norm?: number; work?: number },
  ): void {
    const client = this.#of(rank);
    const { misses: missed = 0, pausedUntil: _pausedUntil, ...before } = client;
    const misses = missed - FORGIVEN;
    if (this.#former.get(rank)?.round !== update.round) {
      this.#former.set(rank, { round: update.round, client });
    }
    const { round: lastRound, numSamples = before.numSamples, loss = before.loss } = update;
    const { norm = before.norm, work = before.work } = update;
    this.#clients.set(rank, {
      ...before,
      ...(numSamples !== undefined && { numSamples }),
      ...(loss !== undefined && { loss }),
      ...(norm !== undefined && { norm }),
      ...(work !== undefined && { work }),
      ...(misses > 0 && { misses }),
      answered: before.answered + 1,
      lastRound,
    });
  }

  /**
   * A client was chosen and gave no update that counts. One whose update was refused, or who gave none twice, is left out of the rounds that follow: of 1, and of
   * twice as many with each further time. An update that counts makes half a miss good.
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
    this.#clients.set(rank, {
      ...before,
      dropped: before.dropped + 1,
      lastRound: round,
      ...pauseAfter(misses, round),
    });
  }

  /** Clients that are left out of a round while there are enough others; those whose pause ends last come last. */
  paused(round: number): Rank[] {
    return [...this.#clients]
      .filter(([, { pausedUntil = 0 }]) => pausedUntil >= round)
      .sort(([a, one], [b, other]) => (one.pausedUntil ?? 0) - (other.pausedUntil ?? 0) || a - b)
      .map(([rank]) => rank);
  }

  /** Norm and work of the last update that counted, of all clients that are not among those. */
  lastUpdates(without: { has(rank: Rank): boolean }): UpdateFigures[] {
    return [...this.#clients].flatMap(([rank, { norm, work: steps = 0 }]) =>
      norm === undefined || without.has(rank) ? [] : [{ norm, claims: { steps } }]
    );
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

/** How long a client is left out that has missed so many times in a row. */
function pauseAfter(misses: number, round: number): Pick<KnownClient, "misses" | "pausedUntil"> {
  if (misses < MOST_MISSES) return { misses };
  const pause = Math.min(2 ** Math.floor(misses - MOST_MISSES), LONGEST_PAUSE);
  // More misses than the longest pause takes say no more.
  const most = MOST_MISSES + Math.log2(LONGEST_PAUSE);
  return { misses: Math.min(misses, most), pausedUntil: round + pause };
}

function isEntry(entry: unknown): entry is [Rank, KnownClient] {
  if (!Array.isArray(entry) || !isCount(entry[0]) || Object(entry[1]) !== entry[1]) return false;
  const { numSamples = 1, loss = 0, answered, dropped, lastRound } = entry[1] as KnownClient;
  const { misses = 0, pausedUntil = 0, norm = 0, work = 0 } = entry[1] as KnownClient;
  return [numSamples, answered, dropped, lastRound, pausedUntil].every(isCount) &&
    numSamples > 0 && Number.isFinite(loss) && isCount(misses / FORGIVEN) &&
    [norm, work].every((figure) => Number.isFinite(figure) && figure >= 0);
}

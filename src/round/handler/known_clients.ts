import { isCount } from "../../base/check.ts";
import type { Rank } from "../../base/rank.ts";
import type { KnownClient } from "../selection/selection.ts";
import type { UpdateFigures } from "./update_bound.ts";

const UNKNOWN: KnownClient = { answered: 0, dropped: 0, lastRound: 0 };
/** Number of misses from which a client is left out. */
const MAX_MISSES = 2;
/**
 * Part of a miss that an update makes up for. A client that misses every other round is left out as
 * well, in time.
 */
const RECOVERY = 0.5;
/** Maximum number of rounds that a client is left out of before it is asked again. */
const MAX_PAUSE = 64;

/** Figures remembered from the last update that has them. */
const FIGURES = ["numSamples", "loss", "norm", "work"] as const;

type Known = { -readonly [Name in keyof KnownClient]: KnownClient[Name] };
type Figures = Record<typeof FIGURES[number], number | undefined>;

/** Knowledge about the clients, by rank. */
export class KnownClients {
  readonly #clients = new Map<Rank, KnownClient>();
  /** Knowledge about each client before its last update, which may be refused after all. */
  readonly #former = new Map<Rank, { readonly round: number; readonly client: KnownClient }>();

  /** The known clients in rank order, so that the order of joining does not matter. */
  get all(): ReadonlyMap<Rank, KnownClient> {
    return new Map([...this.#clients].sort(([a], [b]) => a - b));
  }

  /** Adds the number of samples of a client that has joined. */
  addJoin(rank: Rank, numSamples: number): void {
    this.#clients.set(rank, { ...this.#of(rank), numSamples });
  }

  /** Adds an accepted update. */
  addUpdate(
    rank: Rank,
    update: { readonly round: number } & Partial<Figures>,
  ): void {
    const before = this.#of(rank);
    if (this.#former.get(rank)?.round !== update.round) {
      this.#former.set(rank, { round: update.round, client: before });
    }
    const { answered, dropped, misses: missed = 0 } = before;
    const client: Known = { answered: answered + 1, dropped, lastRound: update.round };
    for (const name of FIGURES) {
      const figure = update[name] ?? before[name];
      if (figure !== undefined) client[name] = figure;
    }
    if (missed > RECOVERY) client.misses = missed - RECOVERY;
    this.#clients.set(rank, client);
  }

  /**
   * Adds a miss: the client was selected and gave no update that counts. A client whose update was
   * refused, or that has missed twice, is left out of the next round, and of twice as many with
   * each further miss. An update that counts makes up for half a miss.
   */
  addMiss(rank: Rank, round: number, isRefused = false): void {
    const former = this.#former.get(rank);
    // An accepted update that is refused after all does not count as an answer.
    const before = isRefused && former?.round === round ? former.client : this.#of(rank);
    const { misses: missed = 0, lastRound } = before;
    // The tries of one round count as one miss.
    const isRepeated = missed > 0 && lastRound === round;
    const more = missed + (isRepeated && !isRefused ? 0 : 1);
    const misses = isRefused ? Math.max(more, MAX_MISSES) : more;
    this.#clients.set(rank, {
      ...before,
      dropped: before.dropped + 1,
      lastRound: round,
      ...pauseAfter(misses),
    });
  }

  /**
   * Returns the clients to leave out of a round while there are enough others. Those whose pause
   * ends last come last.
   */
  paused(round: number): Rank[] {
    const paused: [rank: Rank, until: number][] = [];
    for (const [rank, { lastRound, pause }] of this.#clients) {
      const until = lastRound + (pause ?? 0);
      if (pause !== undefined && until >= round) paused.push([rank, until]);
    }
    return paused.sort(([a, one], [b, other]) => one - other || a - b).map(([rank]) => rank);
  }

  /** Returns norm and work of the last updates that counted, except of the clients in `without`. */
  lastUpdates(without: { has(rank: Rank): boolean }): UpdateFigures[] {
    return [...this.#clients].flatMap(([rank, { norm, work: steps = 0 }]) =>
      norm === undefined || without.has(rank) ? [] : [{ norm, claims: { steps } }]
    );
  }

  /** Returns the knowledge in a form that can be written as JSON. */
  save(): [Rank, KnownClient][] {
    return [...this.all];
  }

  /**
   * Restores what {@linkcode save} returned.
   *
   * @throws {TypeError} If it is not that.
   */
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

/** Computes the pause of a client with that many misses. */
function pauseAfter(misses: number): Pick<KnownClient, "misses" | "pause"> {
  if (misses < MAX_MISSES) return { misses };
  const pause = Math.min(2 ** Math.floor(misses - MAX_MISSES), MAX_PAUSE);
  // More misses than those of the longest pause make no difference.
  const most = MAX_MISSES + Math.log2(MAX_PAUSE);
  return { misses: Math.min(misses, most), pause };
}

function isEntry(entry: unknown): entry is [Rank, KnownClient] {
  if (!Array.isArray(entry) || !isCount(entry[0]) || Object(entry[1]) !== entry[1]) return false;
  const { numSamples = 1, loss = 0, answered, dropped, lastRound } = entry[1] as KnownClient;
  const { misses = 0, pause = 0, norm = 0, work = 0 } = entry[1] as KnownClient;
  return [numSamples, answered, dropped, lastRound, pause].every(isCount) &&
    numSamples > 0 && Number.isFinite(loss) && isCount(misses / RECOVERY) &&
    [norm, work].every((figure) => Number.isFinite(figure) && figure >= 0);
}

import { isCount } from "../../base/is_count.ts";
import type { Rank } from "../../base/rank.ts";
import type { KnownClient } from "../selection/selection.ts";
import type { UpdateFigures } from "./update_bound.ts";

const UNKNOWN: KnownClient = { answered: 0, dropped: 0, lastRound: 0 };
/** How often a client may give no update before it is left out. */
const MOST_MISSES = 2;
/** How much of its misses an update makes good: who misses every other round is left out as well, in time. */
const FORGIVEN = 0.5;
/** Rounds that a client is left out of at most, before it is asked again. */
const LONGEST_PAUSE = 64;

/** What is learnt of a client from each of its updates that tells it. */
const FIGURES = ["numSamples", "loss", "norm", "work"] as const;

type Known = { -readonly [Name in keyof KnownClient]: KnownClient[Name] };
type Figures = Record<typeof FIGURES[number], number | undefined>;

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
  addJoin(rank: Rank, numSamples: number): void {
    this.#clients.set(rank, { ...this.#of(rank), numSamples });
  }

  /** A client's update was taken in. */
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
    if (missed > FORGIVEN) client.misses = missed - FORGIVEN;
    this.#clients.set(rank, client);
  }

  /**
   * A client was chosen and gave no update that counts. One whose update was refused, or who gave none twice, is left out of the rounds that follow: of 1, and of
   * twice as many with each further time. An update that counts makes half a miss good.
   */
  addMiss(rank: Rank, round: number, isRefused = false): void {
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
      ...pauseAfter(misses),
    });
  }

  /** Clients that are left out of a round while there are enough others; those whose pause ends last come last. */
  paused(round: number): Rank[] {
    const paused: [rank: Rank, until: number][] = [];
    for (const [rank, { lastRound, pause }] of this.#clients) {
      const until = lastRound + (pause ?? 0);
      if (pause !== undefined && until >= round) paused.push([rank, until]);
    }
    return paused.sort(([a, one], [b, other]) => one - other || a - b).map(([rank]) => rank);
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
function pauseAfter(misses: number): Pick<KnownClient, "misses" | "pause"> {
  if (misses < MOST_MISSES) return { misses };
  const pause = Math.min(2 ** Math.floor(misses - MOST_MISSES), LONGEST_PAUSE);
  // More misses than the longest pause takes say no more.
  const most = MOST_MISSES + Math.log2(LONGEST_PAUSE);
  return { misses: Math.min(misses, most), pause };
}

function isEntry(entry: unknown): entry is [Rank, KnownClient] {
  if (!Array.isArray(entry) || !isCount(entry[0]) || Object(entry[1]) !== entry[1]) return false;
  const { numSamples = 1, loss = 0, answered, dropped, lastRound } = entry[1] as KnownClient;
  const { misses = 0, pause = 0, norm = 0, work = 0 } = entry[1] as KnownClient;
  return [numSamples, answered, dropped, lastRound, pause].every(isCount) &&
    numSamples > 0 && Number.isFinite(loss) && isCount(misses / FORGIVEN) &&
    [norm, work].every((figure) => Number.isFinite(figure) && figure >= 0);
}

import type { Rank } from "../../base/rank.ts";
import type { KnownClient } from "../selection/selection.ts";
import { type ClientTable, KnownView, UNKNOWN } from "./known_view.ts";
import { PauseTable } from "./pause_table.ts";
import { readKnown, type SavedKnown, saveKnown } from "./saved_known.ts";
import type { UpdateFigures } from "./update_bound.ts";

/** Number of misses from which a client is left out. */
const MAX_MISSES = 2;
/**
 * Part of a miss that an update makes up for. A client that misses every other round is left out as
 * well, in time.
 */
const RECOVERY = 0.5;
/** Maximum number of rounds that a client is left out of before it is asked again. */
const MAX_PAUSE = 64;
/** Rounds of fewer updates are also compared with the last changes of other clients. */
const FEW_UPDATES = 3;
/** Number of clients for which there is memory at first. */
const FIRST_CLIENTS = 64;

/** Figures remembered from the last update that has them. */
const FIGURES = ["numSamples", "loss", "norm", "work"] as const;

type Known = { -readonly [Name in keyof KnownClient]: KnownClient[Name] };
type Figures = Record<typeof FIGURES[number], number | undefined>;

/**
 * Knowledge about the clients, by rank. What it does in a round takes time by the clients of the
 * round, not by those that are known.
 */
export class KnownClients {
  readonly #table = {
    clients: new Map<Rank, KnownClient>(),
    samples: new Float64Array(FIRST_CLIENTS),
    joined: 0,
  } satisfies ClientTable;
  readonly #paused = new PauseTable();
  /** Knowledge about clients before their updates of a round, which may be refused after all. */
  readonly #former = new Map<Rank, KnownClient>();
  #formerRound = 0;

  /**
   * The known clients in rank order, so that the order of joining does not matter. The view shows
   * later changes too.
   */
  readonly all: ReadonlyMap<Rank, KnownClient> = new KnownView(this.#table);

  /** Adds the number of samples of a client that has joined. */
  addJoin(rank: Rank, numSamples: number): void {
    const table = this.#table, { clients } = table;
    const client = clients.get(rank);
    if (client === undefined && rank === table.joined + 1) {
      if (table.joined === table.samples.length) {
        const more = new Float64Array(2 * table.joined);
        more.set(table.samples);
        table.samples = more;
      }
      table.joined++;
    }
    if (rank >= 1 && rank <= table.joined) table.samples[rank - 1] = numSamples;
    else this.#set(rank, { ...this.#of(rank), numSamples });
    if (client) this.#set(rank, { ...client, numSamples });
  }

  /** Adds an accepted update. */
  addUpdate(
    rank: Rank,
    update: { readonly round: number } & Partial<Figures>,
  ): void {
    const before = this.#of(rank);
    if (this.#formerRound !== update.round) this.#former.clear();
    this.#formerRound = update.round;
    if (!this.#former.has(rank)) this.#former.set(rank, before);
    const { answered, dropped, misses: missed = 0 } = before;
    const client: Known = { answered: answered + 1, dropped, lastRound: update.round };
    for (const name of FIGURES) {
      const figure = update[name] ?? before[name];
      if (figure !== undefined) client[name] = figure;
    }
    if (missed > RECOVERY) client.misses = missed - RECOVERY;
    this.#set(rank, client);
  }

  /**
   * Adds a miss: the client was selected and gave no update that counts. A client whose update was
   * refused, or that has missed twice, is left out of the next round, and of twice as many with
   * each further miss. An update that counts makes up for half a miss.
   */
  addMiss(rank: Rank, round: number, isRefused = false): void {
    const former = this.#formerRound === round ? this.#former.get(rank) : undefined;
    // An accepted update that is refused after all does not count as an answer.
    const before = isRefused && former ? former : this.#of(rank);
    const { misses: missed = 0, lastRound } = before;
    // The tries of one round count as one miss.
    const isRepeated = missed > 0 && lastRound === round;
    const more = missed + (isRepeated && !isRefused ? 0 : 1);
    const misses = isRefused ? Math.max(more, MAX_MISSES) : more;
    this.#set(rank, {
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
    return this.#paused.in(round);
  }

  /**
   * Returns norm and work of the last updates that counted, except of the clients in `without`;
   * nothing where those are enough to compare with each other.
   */
  lastUpdates(without: ReadonlyMap<Rank, unknown>): UpdateFigures[] {
    if (without.size >= FEW_UPDATES) return [];
    return [...this.#table.clients].flatMap(([rank, { norm, work: steps = 0 }]) =>
      norm === undefined || without.has(rank) ? [] : [{ norm, claims: { steps } }]
    );
  }

  /** Returns the knowledge in a form that can be written as JSON. */
  save(): SavedKnown {
    return saveKnown(this.all, this.#table);
  }

  /**
   * Restores what {@linkcode save} returned.
   *
   * @throws {TypeError} If it is not that.
   */
  restore(saved: unknown): void {
    const { clients, samples } = readKnown(saved, RECOVERY);
    const table = this.#table;
    table.clients.clear();
    table.joined = samples.length;
    table.samples = new Float64Array(Math.max(samples.length, FIRST_CLIENTS));
    table.samples.set(samples);
    this.#paused.clear();
    this.#former.clear();
    for (const [rank, client] of clients) this.#set(rank, client);
  }

  #of(rank: Rank): KnownClient {
    return this.all.get(rank) ?? UNKNOWN;
  }

  #set(rank: Rank, client: KnownClient): void {
    this.#table.clients.set(rank, client);
    const { lastRound, pause } = client;
    this.#paused.set(rank, pause === undefined ? undefined : lastRound + pause);
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

import type { Rank } from "../../base/rank.ts";
import { runtime, type Timer } from "../../base/runtime/runtime.ts";

/** Download of the parameters by a client. */
export interface Download {
  readonly rank: Rank;
  /**
   * Begins to send. `onEnd` is called once: with `true` when all is received, or sent to a client
   * that sends no receipts, and with `false` when there is no such client, or its connection is
   * lost; never before it has returned.
   */
  start(onEnd: (isSent: boolean) => void): void;
}

/** Options of {@linkcode LinkDownloads}. */
export interface LinkDownloadsOptions {
  /** Number of downloads at a time; `undefined` to find out whether they share a link. */
  readonly atOnce: number | undefined;
  /** Time after which a download leaves its place to the next one, with `atOnce`. */
  readonly placeMillis: number;
  /** Returns the time in milliseconds. */
  readonly now: () => number;
}

/** Shortest time of a download for which it is worth to find out about the link. */
const SLOW_MILLIS = 1000;
/** Time that a download may take alone, as a multiple of its share of the time beside others. */
const ALONE_FACTOR = 1.5;
/**
 * Such a time at least, as a share of the time beside others: a connection that has shared a link
 * begins at its former rate.
 */
const ALONE_SHARE = 0.6;
/** Time that a download may hold its place, as a multiple of the time of one alone. */
const PLACE_FACTOR = 3;
/** Time beyond these multiples. */
const SLACK_MILLIS = 250;

/** Knowledge about the link of an address. */
type Link =
  /** Downloads of some ranks, all at once, have taken these times. */
  | { readonly kind: "unknown"; readonly times: ReadonlyMap<Rank, number>; readonly count: number }
  /** Clients have links of their own: all download at once. */
  | { readonly kind: "own" }
  /** Clients share a link, on which one download alone takes a time. */
  | { readonly kind: "shared"; readonly aloneMillis: number };

/**
 * Downloads by the clients of one address, which may share a link or be behind a common proxy with
 * links of their own. The first time, all download at once. If that is slow, then one downloads
 * alone the next time: on a shared link it takes its share of the time, and the clients take turns
 * from then on; on a link of its own it is no faster, and all others begin.
 */
export class LinkDownloads {
  readonly #options: LinkDownloadsOptions;
  #link: Link = { kind: "unknown", times: new Map(), count: 0 };
  readonly #queue = new Map<Rank, Download>();
  /** Timers of the downloads that hold a place. */
  readonly #places = new Map<Download, Timer>();

  /** Begins with no knowledge. */
  constructor(options: LinkDownloadsOptions) {
    this.#options = options;
  }

  /** Begins downloads, in their order; some of them later. */
  begin(downloads: readonly Download[]): void {
    const { atOnce, placeMillis } = this.#options;
    const link = this.#link;
    for (const download of downloads) this.#queue.set(download.rank, download);
    if (atOnce !== undefined) this.#takeTurns(atOnce, placeMillis);
    else if (link.kind === "own" || downloads.length < 2) this.#startAll();
    else if (link.kind === "shared") {
      this.#takeTurns(1, PLACE_FACTOR * link.aloneMillis + SLACK_MILLIS);
    } else if (link.times.size === 0) this.#measure(downloads.length);
    else this.#compare(link.times, link.count);
  }

  /** Drops the downloads that have not begun. */
  clear(): void {
    this.#queue.clear();
    for (const timer of this.#places.values()) runtime.timers.clearTimeout(timer);
    this.#places.clear();
  }

  /** Starts all downloads, and measures their times. */
  #measure(count: number): void {
    const { now } = this.#options, times = new Map<Rank, number>(), began = now();
    this.#link = { kind: "unknown", times, count };
    this.#startAll((rank) => void times.set(rank, now() - began));
  }

  /** Starts one download alone, and compares its time with that beside all others. */
  #compare(times: ReadonlyMap<Rank, number>, count: number): void {
    const known = [...this.#queue.values()].filter(({ rank }) => times.has(rank))
      .sort((a, b) => (times.get(a.rank) ?? 0) - (times.get(b.rank) ?? 0));
    const first = known[known.length >> 1];
    const beside = first === undefined ? 0 : times.get(first.rank) ?? 0;
    if (first === undefined || beside < SLOW_MILLIS) {
      // With other clients, or a faster link, it may be another time.
      return this.#measure(this.#queue.size);
    }
    const { now } = this.#options;
    const limit = Math.max(ALONE_FACTOR * beside / count + SLACK_MILLIS, ALONE_SHARE * beside);
    const began = now();
    this.#start(first, limit, (isSent) => {
      if (isSent === undefined) this.#link = { kind: "own" };
      else if (isSent) {
        const aloneMillis = now() - began;
        this.#link = { kind: "shared", aloneMillis };
        return this.#takeTurns(1, PLACE_FACTOR * aloneMillis + SLACK_MILLIS);
      }
      this.#startAll();
    });
  }

  /** Starts downloads whenever fewer than a number of them hold a place. */
  #takeTurns(atOnce: number, placeMillis: number): void {
    while (this.#places.size < atOnce) {
      const [next] = this.#queue.values();
      if (next === undefined) return;
      this.#start(next, placeMillis, (isSent) => {
        // The link is another one, or this client does not read.
        if (isSent === undefined && this.#options.atOnce === undefined) {
          this.#link = { kind: "unknown", times: new Map(), count: 0 };
        }
        this.#takeTurns(atOnce, placeMillis);
      });
    }
  }

  #startAll(onSent: (rank: Rank) => void = () => {}): void {
    const all = [...this.#queue.values()];
    this.#queue.clear();
    for (const download of all) {
      download.start((isSent) => isSent && onSent(download.rank));
    }
  }

  /**
   * Starts a download that holds a place until it ends or its time has passed.
   *
   * @param onFree Called once: with whether all was sent, or `undefined` when the time has passed.
   */
  #start(
    download: Download,
    placeMillis: number,
    onFree: (isSent: boolean | undefined) => void,
  ): void {
    this.#queue.delete(download.rank);
    const free = (isSent: boolean | undefined) => {
      const timer = this.#places.get(download);
      if (timer === undefined) return;
      runtime.timers.clearTimeout(timer);
      this.#places.delete(download);
      onFree(isSent);
    };
    this.#places.set(download, runtime.timers.setTimeout(() => free(undefined), placeMillis));
    download.start(free);
  }
}

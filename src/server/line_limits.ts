/** A supply of lines that fills up again by so many a minute. */
class Bucket {
  readonly #most: number;
  readonly #perMinute: number;
  #left: number;
  #at: number;

  constructor(most: number, perMinute: number, now: number) {
    this.#most = most;
    this.#perMinute = perMinute;
    this.#left = most;
    this.#at = now;
  }

  /** Whether there is one. */
  has(now: number): boolean {
    this.#left = Math.min(this.#most, this.#left + (now - this.#at) / 60_000 * this.#perMinute);
    this.#at = now;
    return this.#left >= 1;
  }

  take(): void {
    this.#left--;
  }
}

/** Lines of one kind about one rank, or about strangers: at once, and a minute on average. */
const OF_ONE = { most: 20, perMinute: 2 };
/** Lines of all these kinds together: with 700 bytes each, less than 1 MB an hour. */
const OF_ALL = { most: 500, perMinute: 15 };
/** Ranks whose lines are counted apart; those past them share one count. */
const MOST_SOURCES = 4096;

/**
 * Says which of the lines that peers cause at will are written, so that none of them fills the
 * disk; counts the others.
 */
export class LineLimits {
  readonly #now: () => number;
  readonly #all: Bucket;
  readonly #buckets = new Map<string, Bucket>();
  readonly #leftOut = new Map<string, number>();

  /** `now` tells the time in milliseconds; so many lines may come at once in all, 500 or more. */
  constructor(atOnce = 0, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#all = new Bucket(Math.max(OF_ALL.most, atOnce), OF_ALL.perMinute, now());
  }

  /** Whether a line of that kind is written, about what `source` says. */
  admit(kind: string, source: number | string): boolean {
    const now = this.#now();
    const name = this.#buckets.size < MOST_SOURCES || this.#buckets.has(`${kind} ${source}`)
      ? `${kind} ${source}`
      : kind;
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      bucket = new Bucket(OF_ONE.most, OF_ONE.perMinute, now);
      this.#buckets.set(name, bucket);
    }
    if (bucket.has(now) && this.#all.has(now)) {
      bucket.take();
      this.#all.take();
      return true;
    }
    this.#leftOut.set(kind, (this.#leftOut.get(kind) ?? 0) + 1);
    return false;
  }

  /**
   * The numbers of lines by kind that were left out since the last call; `undefined` when there are
   * none.
   */
  takeLeftOut(): Record<string, number> | undefined {
    if (this.#leftOut.size === 0) return undefined;
    const counts = Object.fromEntries(this.#leftOut);
    this.#leftOut.clear();
    return counts;
  }
}

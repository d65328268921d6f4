import { runtime } from "../base/runtime/runtime.ts";

/** Token bucket of lines. */
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

  /** Refills the bucket, and reports whether it has a line. */
  has(now: number): boolean {
    this.#left = Math.min(this.#most, this.#left + (now - this.#at) / 60_000 * this.#perMinute);
    this.#at = now;
    return this.#left >= 1;
  }

  take(): void {
    this.#left--;
  }
}

/** Lines of one kind about one rank, or about strangers: at once, and per minute on average. */
const OF_ONE = { most: 20, perMinute: 2 };
/** Lines of all kinds together: with 700 bytes each, less than 1 MB per hour. */
const OF_ALL = { most: 500, perMinute: 15 };
/** Maximum number of sources that are limited separately; the others share one limit. */
const MOST_SOURCES = 4096;

/**
 * Limiter of the lines that peers can cause at will, so that no peer fills the disk. It counts the
 * lines that are left out.
 */
export class LineLimits {
  readonly #now: () => number;
  readonly #all: Bucket;
  readonly #buckets = new Map<string, Bucket>();
  readonly #leftOut = new Map<string, number>();

  /**
   * Creates a limiter.
   *
   * @param atOnce Number of lines that may come at once in all, if more than 500.
   * @param now Gives the time in milliseconds.
   */
  constructor(atOnce = 0, now: () => number = () => runtime.clock.now()) {
    this.#now = now;
    this.#all = new Bucket(Math.max(OF_ALL.most, atOnce), OF_ALL.perMinute, now());
  }

  /** Reports whether a line of that kind about `source` is written. */
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
   * Takes the numbers of lines that were left out since the last call, by kind; `undefined` if
   * there are none.
   */
  takeLeftOut(): Record<string, number> | undefined {
    if (this.#leftOut.size === 0) return undefined;
    const counts = Object.fromEntries(this.#leftOut);
    this.#leftOut.clear();
    return counts;
  }
}

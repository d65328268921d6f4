import type { Rank } from "../../base/rank.ts";
import type { IncomingBody } from "../../round/cohort/cohort_collector.ts";

/** Checks in the time of one round. */
const CHECKS = 32;
/** Share of a round's time that every upload has before it is held to a rate. */
const GRACE = 1 / 8;

/** An upload that has a staging buffer. */
interface Upload {
  readonly incoming: IncomingBody;
  began: number;
}

/** What becomes of an upload that is too slow. */
type OnSlow = (rank: Rank, reason: string) => void;

/**
 * The uploads that have a staging buffer. While others wait for one, each has to come in at a rate
 * at which it would be whole within a round's time: a buffer belongs to whoever makes progress, and
 * not to whoever has sent the first bytes.
 */
export class UploadMonitor implements Disposable {
  readonly #millis: number;
  readonly #onSlow: OnSlow;
  readonly #now: () => number;
  readonly #reading = new Map<Rank, Upload>();
  #waiting = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #checked = 0;

  /**
   * A round has so many seconds; `onSlow` is told of an upload that has to give its buffer back.
   */
  constructor(roundSeconds: number, onSlow: OnSlow, now: () => number = () => performance.now()) {
    this.#millis = roundSeconds * 1000;
    this.#onSlow = onSlow;
    this.#now = now;
  }

  /** Looks for uploads that are too slow from now on, until it is disposed of. */
  watch(): void {
    this.#checked = this.#now();
    this.#timer ??= setInterval(() => this.check(), this.#millis / CHECKS);
  }

  /** Stops looking. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Somebody waits for a buffer, until `waited`. */
  wait(): void {
    this.#waiting++;
  }

  /** Somebody waits no longer. */
  waited(): void {
    this.#waiting--;
  }

  /** The rank's upload has a buffer from now on. */
  begin(rank: Rank, incoming: IncomingBody): void {
    this.#reading.set(rank, { incoming, began: this.#now() });
  }

  /** All of the rank's upload is here, or it broke off. */
  end(rank: Rank): void {
    this.#reading.delete(rank);
  }

  /** Tells of all uploads that are too slow, where somebody waits. */
  check(): void {
    const now = this.#now();
    // So late a check means that this side was held up: nobody could make progress meanwhile.
    const held = now - this.#checked - 2 * this.#millis / CHECKS;
    this.#checked = now;
    for (const [rank, upload] of this.#reading) {
      if (held > 0) upload.began += held;
      if (this.#waiting === 0) continue;
      const { received, size } = upload.incoming;
      const share = ((now - upload.began) / this.#millis - GRACE) / (1 - GRACE);
      if (received >= size * share) continue;
      this.#reading.delete(rank);
      const seconds = Math.round((now - upload.began) / 100) / 10;
      this.#onSlow(
        rank,
        `only ${received} of the ${size} bytes of its update came in ${seconds} seconds, while others waited`,
      );
    }
  }
}

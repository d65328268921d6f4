import { runtime } from "../../base/runtime/runtime.ts";
import type { Rank } from "../../base/rank.ts";
import type { IncomingBody } from "../../round/cohort/answer.ts";

/** Number of checks in the time of one round. */
const CHECKS = 32;
/** Share of a round's time after which an upload must keep a minimum rate. */
const GRACE = 1 / 8;

/** Upload with a staging buffer. */
interface Upload {
  readonly incoming: IncomingBody;
  began: number;
}

/** Called with the rank of an upload that is too slow. */
type OnSlow = (rank: Rank, reason: string) => void;

/**
 * Monitor of the uploads with a staging buffer. While others wait for a buffer, each upload must
 * keep a rate at which it would be complete within a round's time: a buffer is for clients that
 * make progress, not for those that have sent the first bytes.
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
   * Creates a monitor.
   *
   * @param roundSeconds Time of a round.
   * @param onSlow Called with an upload that has to give its buffer back.
   * @param now Gives the time in milliseconds.
   */
  constructor(roundSeconds: number, onSlow: OnSlow, now: () => number = () => runtime.clock.now()) {
    this.#millis = roundSeconds * 1000;
    this.#onSlow = onSlow;
    this.#now = now;
  }

  /** Starts to check for uploads that are too slow. */
  watch(): void {
    this.#checked = this.#now();
    this.#timer ??= runtime.timers.setInterval(() => this.check(), this.#millis / CHECKS);
  }

  /** Stops checking. */
  [Symbol.dispose](): void {
    runtime.timers.clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Notes that a client begins to wait for a buffer. */
  wait(): void {
    this.#waiting++;
  }

  /** Notes that a client waits no longer. */
  waited(): void {
    this.#waiting--;
  }

  /** Notes that the rank's upload has a buffer. */
  begin(rank: Rank, incoming: IncomingBody): void {
    this.#reading.set(rank, { incoming, began: this.#now() });
  }

  /** Notes that the rank's upload is complete, or broke off. */
  end(rank: Rank): void {
    this.#reading.delete(rank);
  }

  /** Reports all uploads that are too slow, if a client waits for a buffer. */
  check(): void {
    const now = this.#now();
    // After a check that is this late the server was busy, and no upload could make progress.
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

import { runtime } from "../runtime/runtime.ts";
import { type Arrival, Arrivals } from "../limits/arrivals.ts";
import { MAX_TIMER_MILLIS } from "./delay.ts";

/** A timer that is later than this means that this process was held up: what peers have said meanwhile is there, but not read yet. */
const HELD_UP_MILLIS = 1000;

interface Wait {
  /** When it is late, in milliseconds of `performance.now()`. */
  readonly at: number;
  readonly late: () => void;
}

/** Something that is waited for; {@linkcode Deadlines.end} takes it back. */
export type Deadline = Arrival<Wait>;

/** Deadlines that are all equally long. They share one timer: thousands of peers that say nothing cost no timer each. */
export class Deadlines {
  /** Length of each one, in seconds. */
  readonly seconds: number;
  /** In the order in which they are late. */
  readonly #waiting = new Arrivals<Wait>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Deadlines of so many seconds. */
  constructor(seconds: number) {
    this.seconds = seconds;
  }

  /** Calls `late` after the time, unless this is ended before. */
  begin(late: () => void): Deadline {
    const deadline = this.#waiting.add({ at: runtime.clock.now() + this.seconds * 1000, late });
    if (this.#timer === undefined) this.#wait(this.seconds * 1000);
    return deadline;
  }

  /** Takes a deadline back. A second call, or one after it was late, does nothing. */
  end(deadline: Deadline): void {
    if (!this.#waiting.delete(deadline) || this.#waiting.size > 0) return;
    runtime.timers.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(millis: number): void {
    const due = runtime.clock.now() + millis;
    this.#timer = runtime.timers.setTimeout(() => {
      this.#timer = undefined;
      if (runtime.clock.now() - due > HELD_UP_MILLIS) this.#wait(HELD_UP_MILLIS);
      else this.#look();
    }, Math.min(Math.max(1, Math.ceil(millis)), MAX_TIMER_MILLIS));
  }

  #look(): void {
    const now = runtime.clock.now();
    // Each `late` has the others still waiting, and may begin new ones.
    for (let first = this.#waiting.first; first !== undefined; first = this.#waiting.first) {
      if (first.at > now) {
        if (this.#timer === undefined) this.#wait(first.at - now);
        return;
      }
      this.#waiting.shift();
      first.late();
    }
  }
}

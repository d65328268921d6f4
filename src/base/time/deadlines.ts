import { runtime } from "../runtime/runtime.ts";
import { type Arrival, Arrivals } from "../limits/arrivals.ts";
import { MAX_TIMER_MILLIS } from "./delay.ts";

/**
 * Delay in milliseconds of a timer that means that this process was suspended: messages of peers
 * have arrived meanwhile, but were not read yet.
 */
const HELD_UP_MILLIS = 1000;

interface Wait {
  /** Time of the deadline, in milliseconds of `runtime.clock.now()`. */
  readonly at: number;
  readonly late: () => void;
}

/** Deadline of an event; {@linkcode Deadlines.end} cancels it. */
export type Deadline = Arrival<Wait>;

/**
 * Deadlines of the same length. They share one timer, so that thousands of silent peers do not cost
 * a timer each.
 */
export class Deadlines {
  /** Length in seconds. */
  readonly seconds: number;
  /** Deadlines in order. */
  readonly #waiting = new Arrivals<Wait>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Creates deadlines of a length in seconds. */
  constructor(seconds: number) {
    this.seconds = seconds;
  }

  /** Calls `late` after the time, unless the deadline is cancelled before. */
  begin(late: () => void): Deadline {
    const deadline = this.#waiting.add({ at: runtime.clock.now() + this.seconds * 1000, late });
    if (this.#timer === undefined) this.#wait(this.seconds * 1000);
    return deadline;
  }

  /** Cancels a deadline. Does nothing if it was cancelled before or is over. */
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
    // While `late` runs, the other deadlines still wait, and it may add new ones.
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

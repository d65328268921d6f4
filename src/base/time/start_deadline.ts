import { runtime, type Timer } from "../runtime/runtime.ts";
import { MAX_TIMER_MILLIS } from "./delay.ts";

/** Delay in milliseconds of a timer that means that this process was held up. */
const HELD_UP_MILLIS = 200;
/** Longest time in milliseconds by which a deadline is put off at once. */
const LONGEST_GRACE_MILLIS = 1000;

/**
 * Calls a function after a time, unless the deadline is cancelled before.
 *
 * A process that was suspended, or whose processors were busy, has not read the messages that have
 * arrived meanwhile. So a deadline whose timer is late by more than 200 ms is put off by that
 * delay, at most by a second at once, and by no more than its length, or a second, in all.
 *
 * @param millis Time in milliseconds.
 * @returns A function that cancels the deadline.
 */
export function startDeadline(millis: number, late: () => void): () => void {
  let grace = Math.max(millis, LONGEST_GRACE_MILLIS);
  let timer: Timer;
  const wait = (millis: number) => {
    const most = Math.min(millis, MAX_TIMER_MILLIS);
    const due = runtime.clock.now() + most;
    timer = runtime.timers.setTimeout(() => {
      const delay = runtime.clock.now() - due;
      const more = Math.min(delay, LONGEST_GRACE_MILLIS, grace);
      if (delay <= HELD_UP_MILLIS || more <= 0) return late();
      grace -= more;
      wait(more);
    }, most);
  };
  wait(millis);
  return () => runtime.timers.clearTimeout(timer);
}

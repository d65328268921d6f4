import { runtime } from "../runtime/runtime.ts";

/** Time after which the event loop is given a turn. */
const MAX_BUSY_MILLIS = 50;

/** Time of the event loop's last turn, in milliseconds of `runtime.clock.now()`. */
let since = 0;
/** The next turn; all callers wait for the same one, so that they go on together. */
let returning: Promise<void> | undefined;

/**
 * Gives the event loop a turn when 50 ms have passed since the last one.
 *
 * Long computations await this between two steps. Promises alone never return to the event loop:
 * signals, timers and sockets would wait for the end of the computation.
 *
 * @returns A promise of the turn; `undefined`, which costs nothing to await, before the 50 ms.
 */
export function yieldToEventLoop(): Promise<void> | undefined {
  if (returning === undefined && runtime.clock.now() - since >= MAX_BUSY_MILLIS) {
    returning = new Promise((resolve) =>
      runtime.timers.setTimeout(() => {
        since = runtime.clock.now();
        returning = undefined;
        resolve();
      }, 0)
    );
  }
  return returning;
}

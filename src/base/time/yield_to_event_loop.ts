import { ofRuntime } from "../runtime/of_runtime.ts";
import { runtime } from "../runtime/runtime.ts";

/** Time after which the event loop is given a turn. */
const MAX_BUSY_MILLIS = 50;

/** Turns of an event loop. */
interface Turns {
  /** Time of the last turn, in milliseconds of `runtime.clock.now()`. */
  since: number;
  /** The next turn; all callers wait for the same one, so that they go on together. */
  next: Promise<void> | undefined;
}

const turnsOfRuntime = ofRuntime((): Turns => ({ since: 0, next: undefined }));

/**
 * Gives the event loop a turn when 50 ms have passed since the last one.
 *
 * Long computations await this between two steps. Promises alone never return to the event loop:
 * signals, timers and sockets would wait for the end of the computation.
 *
 * @returns A promise of the turn; `undefined`, which costs nothing to await, before the 50 ms.
 */
export function yieldToEventLoop(): Promise<void> | undefined {
  const turns = turnsOfRuntime();
  if (turns.next === undefined && runtime.clock.now() - turns.since >= MAX_BUSY_MILLIS) {
    turns.next = new Promise((resolve) =>
      runtime.timers.setTimeout(() => {
        turns.since = runtime.clock.now();
        turns.next = undefined;
        resolve();
      }, 0)
    );
  }
  return turns.next;
}

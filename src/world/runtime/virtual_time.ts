import type { Clock, Timer, Timers } from "../../base/runtime/runtime.ts";
import type { WorldEvent } from "../event_queue.ts";
import type { Scheduler } from "../scheduler.ts";
import type { VirtualProcess } from "../virtual_process.ts";

/** Time of day at which each world begins, in milliseconds since 1970: 2026-01-01. */
export const WORLD_BEGINS = Date.UTC(2026, 0, 1);

/** Returns the clock of a process. */
export function virtualClock(process: VirtualProcess, scheduler: Scheduler): Clock {
  return {
    now: () => scheduler.now,
    unixMillis: () => WORLD_BEGINS + Math.round(scheduler.now) + process.machine.wallClockOffset,
  };
}

/** Returns the timers of a process. Times are rounded up to whole milliseconds, as Deno does. */
export function virtualTimers(process: VirtualProcess): Timers {
  const running = new Map<number, WorldEvent>();
  const start = (id: number, callback: () => void, millis: number, isRepeated: boolean): void => {
    const event = process.after(millis, () => {
      running.delete(id);
      if (isRepeated) start(id, callback, millis, isRepeated);
      callback();
    });
    running.set(id, event);
  };
  const stop = (timer: Timer | undefined): void => {
    const event = running.get(Number(timer));
    if (event === undefined) return;
    running.delete(Number(timer));
    process.cancel(event);
  };
  let last = 0;
  const begin = (callback: () => void, millis = 0, isRepeated: boolean): Timer => {
    start(++last, callback, Math.max(1, Math.ceil(millis)), isRepeated);
    return last as unknown as Timer;
  };
  return {
    setTimeout: (callback, millis) => begin(callback, millis, false),
    clearTimeout: stop,
    setInterval: (callback, millis) => begin(callback, millis, true),
    clearInterval: stop,
  };
}

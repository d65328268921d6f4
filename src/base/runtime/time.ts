/** Handle of a timer that has been started. */
export type Timer = ReturnType<typeof setTimeout>;

/** Monotonic time and the time of day. */
export interface Clock {
  /** Returns the milliseconds since some moment. The value never decreases. */
  now(): number;
  /** Returns the time of day in milliseconds since 1970 (Unix time). The value may jump. */
  unixMillis(): number;
}

/** Timers. */
export interface Timers {
  /** Calls a function once, after a time in milliseconds. */
  setTimeout(callback: () => void, millis?: number): Timer;
  /** Cancels a timer of {@linkcode Timers.setTimeout}. */
  clearTimeout(timer: Timer | undefined): void;
  /** Calls a function again and again, with a time in milliseconds between two calls. */
  setInterval(callback: () => void, millis?: number): Timer;
  /** Cancels a timer of {@linkcode Timers.setInterval}. */
  clearInterval(timer: Timer | undefined): void;
}

/** Clock of this machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  unixMillis: () => Date.now(),
};

/** Timers of this machine. */
export const systemTimers: Timers = {
  setTimeout: (callback, millis) => setTimeout(callback, millis),
  clearTimeout: (timer) => clearTimeout(timer),
  setInterval: (callback, millis) => setInterval(callback, millis),
  clearInterval: (timer) => clearInterval(timer),
};

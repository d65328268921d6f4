import { runtime } from "../runtime/runtime.ts";

/**
 * Longest time in milliseconds that a timer can wait: 24.8 days. A longer one would fire at once.
 */
export const MAX_TIMER_MILLIS = 2 ** 31 - 1;

/**
 * Resolves after a time, or rejects when the signal is aborted.
 *
 * @param millis Time in milliseconds; at most {@linkcode MAX_TIMER_MILLIS} of it are waited.
 * @param signal Ends the wait with its reason.
 */
export function delay(millis: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      runtime.timers.clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = runtime.timers.setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, Math.min(millis, MAX_TIMER_MILLIS));
    signal?.addEventListener("abort", stop, { once: true });
  });
}

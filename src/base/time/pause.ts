/** The longest that a timer waits; what is longer would end at once. */
export const MAX_TIMER_MILLIS = 2 ** 31 - 1;

/** Waits, for 24 days at most, unless aborted. */
export function pause(millis: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, Math.min(millis, MAX_TIMER_MILLIS));
    signal?.addEventListener("abort", stop, { once: true });
  });
}

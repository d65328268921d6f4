/**
 * One process at a time.
 *
 * @module
 */

const POLL_MILLIS = 100;

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

/**
 * Holds a lock file until disposed of. The file stays: whoever removed it could part two processes that wait for it. The
 * operating system takes the lock from a process that dies.
 */
export async function lockFile(path: string, signal?: AbortSignal): Promise<Disposable> {
  const file = await Deno.open(path, { create: true, write: true });
  try {
    // Polled and not waited for: a wait cannot be aborted.
    while (!await file.tryLock(true)) await pause(POLL_MILLIS, signal);
  } catch (error) {
    file.close();
    throw error;
  }
  return file;
}

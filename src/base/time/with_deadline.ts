import { runtime } from "../runtime/runtime.ts";

/** Options of {@linkcode withDeadline}. */
export interface DeadlineOptions {
  /** Longest wait in seconds, where `late` is given. Default: no limit. */
  readonly seconds?: number;
  /** Ends the wait with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Makes the error of a wait that has lasted too long. */
  readonly late?: () => Error;
  /** Set that holds a function during the wait, which ends the wait with an error. */
  readonly breakers?: Set<(error: Error) => void>;
}

/**
 * Waits for a promise, but no longer than the time or the signal allows.
 *
 * The work behind the promise is not cancelled, and a later failure of it is ignored.
 *
 * Rejects as the promise does, with the error that `late` makes, or with the signal's reason.
 */
export async function withDeadline<T>(promise: Promise<T>, options: DeadlineOptions): Promise<T> {
  const { seconds, signal, late, breakers } = options;
  if (signal?.aborted) {
    // Nobody waits for it any more, so its failure must not end the process.
    promise.catch(() => {});
    throw signal.reason;
  }
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  breakers?.add(reject);
  const timer = seconds === undefined || late === undefined
    ? undefined
    : runtime.timers.setTimeout(() => reject(late()), seconds * 1000);
  try {
    return await Promise.race([promise, ended]);
  } finally {
    runtime.timers.clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    breakers?.delete(reject);
  }
}

import { startDeadline } from "./start_deadline.ts";

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
export function withDeadline<T>(promise: Promise<T>, options: DeadlineOptions): Promise<T> {
  const { seconds, signal, late, breakers } = options;
  if (signal?.aborted) {
    // Nobody waits for it any more, so its failure must not end the process.
    promise.catch(() => {});
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const stop = () => {
      endDeadline?.();
      signal?.removeEventListener("abort", onAbort);
      breakers?.delete(fail);
    };
    const fail = (error: unknown) => {
      stop();
      reject(error);
    };
    const onAbort = () => fail(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    breakers?.add(fail);
    const endDeadline = seconds === undefined || late === undefined
      ? undefined
      : startDeadline(seconds * 1000, () => fail(late()));
    promise.then((value) => {
      stop();
      resolve(value);
    }, fail);
  });
}

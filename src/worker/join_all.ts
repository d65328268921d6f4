import type { WorkerProcess } from "./worker_process.ts";

/** Options of {@linkcode joinAll}. */
export interface JoinAllOptions {
  /** Signal that asks all workers to end when it is aborted, with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Joins started workers that belong together.
 *
 * When a worker fails, or the signal is aborted, `abort()` asks the others to end. The promise
 * settles when all of them have ended.
 *
 * @returns The results, in the order of the workers.
 *
 * @throws The first failure of a worker.
 */
export async function joinAll<Result>(
  workers: readonly WorkerProcess<Result>[],
  options: JoinAllOptions = {},
): Promise<Result[]> {
  const { signal } = options;
  let failure: { readonly error: unknown } | undefined;
  const abortAll = (reason: unknown) => workers.forEach((worker) => worker.abort(reason));
  const onAbort = () => abortAll(signal?.reason);

  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const results: Result[] = [];
    await Promise.all(workers.map(async (worker, index) => {
      try {
        results[index] = await worker.join();
      } catch (error) {
        if (failure !== undefined) return;
        failure = { error };
        abortAll(new DOMException("Another worker has failed", "AbortError"));
      }
    }));
    if (failure !== undefined) throw failure.error;
    return results;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

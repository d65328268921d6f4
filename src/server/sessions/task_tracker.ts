/** Tracker of tasks that run in the background. */
export class TaskTracker {
  #count = 0;
  #notify: (() => void) | undefined;

  /** Number of tasks that are running. */
  get count(): number {
    return this.#count;
  }

  /** Counts a task until it has ended. The task must not reject. */
  async track(task: Promise<void>): Promise<void> {
    this.#count++;
    try {
      await task;
    } finally {
      this.#count--;
      this.#notify?.();
    }
  }

  /** Resolves when the next task has ended, or the signal is aborted. */
  nextEnd(signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#notify = resolve;
    signal?.addEventListener("abort", () => resolve(), { once: true });
    return promise;
  }
}

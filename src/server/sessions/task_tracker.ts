/** Tracker of tasks that run in the background. */
export class TaskTracker {
  #count = 0;
  #notify: (() => void) | undefined;

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

  /** Resolves when no task is running and the condition holds, or the signal is aborted. */
  async untilIdle(condition: () => boolean = () => true, signal?: AbortSignal): Promise<void> {
    while (!signal?.aborted && (this.#count > 0 || !condition())) await this.#nextEnd(signal);
  }

  #nextEnd(signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#notify = resolve;
    signal?.addEventListener("abort", () => resolve(), { once: true });
    return promise;
  }
}

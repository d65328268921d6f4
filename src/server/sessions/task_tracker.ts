/** Tracker of tasks that run in the background. */
export class TaskTracker {
  #count = 0;
  readonly #waits = new Set<{ readonly condition: () => boolean; readonly wake: () => void }>();

  /** Ends a task. */
  readonly #end = (): void => {
    this.#count--;
    for (const { condition, wake } of this.#waits) if (this.#count === 0 && condition()) wake();
  };

  readonly #fail = (error: unknown): never => {
    this.#end();
    throw error;
  };

  /** Counts a task until it has ended. The task must not reject. */
  track(task: Promise<void>): Promise<void> {
    this.#count++;
    return task.then(this.#end, this.#fail);
  }

  /** Resolves when no task is running and the condition holds, or the signal is aborted. */
  async untilIdle(condition: () => boolean = () => true, signal?: AbortSignal): Promise<void> {
    while (!signal?.aborted && (this.#count > 0 || !condition())) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = () => resolve();
      const wait = { condition, wake };
      this.#waits.add(wait);
      signal?.addEventListener("abort", wake, { once: true });
      await promise;
      signal?.removeEventListener("abort", wake);
      this.#waits.delete(wait);
    }
  }
}

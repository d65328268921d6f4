/** Options of `spawn()`. */
export interface SpawnOptions {
  /** The worker's name in messages; the last part of the module's URL when not given. */
  readonly name?: string;
  /** Called with each message the worker posts. */
  readonly onMessage?: (message: unknown) => void;
  /** Milliseconds a worker has to end after `abort()` before it is terminated; 5000 when not given. */
  readonly graceMillis?: number;
  /** Milliseconds a worker has to load its module and come to `defineWorker()`; 60000 when not given. */
  readonly startMillis?: number;
}

/** A module that runs in a worker, handled as Python's `multiprocessing.Process` is. */
export interface WorkerProcess<Result> extends AsyncDisposable {
  /** The worker's name. */
  readonly name: string;
  /**
   * `undefined` before and while it runs, 0 when its main has returned, 1 when it has failed, 143 (that of a process ended by
   * SIGTERM) when it was terminated.
   */
  readonly exitCode: number | undefined;
  /**
   * Starts the worker with a copy of the arguments. Throws an `Error` when it was started before, and a `TypeError` when the
   * arguments cannot be cloned.
   */
  start(): void;
  /**
   * Waits until the worker has ended and gives the result of its main, as often as it is called.
   *
   * Rejects with what was thrown inside: same name, message, stack and cause. Rejects with an `Error` that names the module when
   * it could not be loaded, never called `defineWorker()`, ended early, was terminated, or was not started. A failure
   * that nobody joins is not reported.
   */
  join(): Promise<Result>;
  /**
   * Asks the worker to end: aborts the signal its main was given. If it has not ended after `graceMillis` it is terminated. Does
   * nothing when the worker does not run.
   */
  abort(reason?: unknown): void;
  /**
   * Ends the worker. Does nothing when the worker does not run.
   *
   * Deno ends a worker when its code next rests, as at an `await`. Code that never does keeps its thread, and the program until
   * `Deno.exit()`; `join()` rejects all the same, after a second.
   */
  terminate(): void;
  /** Asks the worker to end and waits until it has. */
  [Symbol.asyncDispose](): Promise<void>;
}

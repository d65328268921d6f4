/** Options of `spawn()`. */
export interface SpawnOptions {
  /** Name of the worker in messages. Default: the last part of the module's URL. */
  readonly name?: string;
  /** Receives each message that the worker posts. */
  readonly onMessage?: (message: unknown) => void;
  /**
   * Milliseconds from `abort()` until the worker is terminated.
   *
   * @default {5_000}
   */
  readonly graceMillis?: number;
  /**
   * Milliseconds within which the module must be loaded and have called `defineWorker()`.
   *
   * @default {60_000}
   */
  readonly startMillis?: number;
  /**
   * Permissions of the worker, which Deno takes only with its flag `--unstable-worker-options`.
   *
   * @default {undefined} Those of the program.
   */
  readonly permissions?: Deno.PermissionOptionsObject | undefined;
}

/** Module in a worker, handled like Python's `multiprocessing.Process`. */
export interface WorkerProcess<Result> extends AsyncDisposable {
  /** The worker's name. */
  readonly name: string;
  /**
   * Exit code: `undefined` until the worker has ended, 0 when its main has returned, 1 when it has
   * failed, and 143, that of a process ended by SIGTERM, when it was terminated.
   */
  readonly exitCode: number | undefined;
  /**
   * Starts the worker with a copy of the arguments.
   *
   * @throws {Error} If it was started before.
   * @throws {TypeError} If the arguments cannot be cloned.
   */
  start(): void;
  /**
   * Waits until the worker has ended, and returns the result of its main. It may be called again. A
   * failure that is not joined is not reported.
   *
   * @throws An error with the name, message, stack and cause of the error thrown in the worker.
   * @throws {Error} If the module could not be loaded, did not call `defineWorker()`, ended early,
   * was terminated, or was not started; the message names the module.
   */
  join(): Promise<Result>;
  /**
   * Asks the worker to end: aborts the signal of its main. A worker that has not ended after
   * `graceMillis` is terminated. Does nothing when the worker does not run.
   */
  abort(reason?: unknown): void;
  /**
   * Terminates the worker. Does nothing when the worker does not run.
   *
   * Deno ends a worker when its code returns to the event loop, for example at an `await`. A worker
   * whose code never does keeps its thread, and keeps the program alive until `Deno.exit()`;
   * `join()` rejects after a second all the same.
   */
  terminate(): void;
  /** Asks the worker to end and waits until it has. */
  [Symbol.asyncDispose](): Promise<void>;
}

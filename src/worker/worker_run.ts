import { runtime, type Timer } from "../base/runtime/runtime.ts";
import { errorMessage } from "../base/errors.ts";
import { lifelineEnded, lifelineName } from "./lifeline.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { ModuleWorker, stripAnsiCode } from "./module_worker.ts";
import { recordThrown, reviveThrown } from "./thrown.ts";
import type { SpawnOptions, WorkerProcess } from "./worker_process.ts";

/** Time after a worker's end in which its last message may still arrive. */
const LAST_MESSAGE_MILLIS = 100;

/** Time that a terminated worker may take to end. */
const ENDING_MILLIS = 1000;

/** Failure of a module that is not one of a worker. */
const CALLED_NOTHING = "it called neither defineWorker() nor defineClient()";

/** Exit code of a terminated worker: that of a process ended by SIGTERM. */
const TERMINATED = 143;

/** Outcome of a worker. */
type Outcome<Result> =
  | { readonly exitCode: 0; readonly result: Result }
  | { readonly exitCode: 1 | 143; readonly error: unknown };

/** Run of a module in a worker. */
export class WorkerRun<Result, Args = unknown> implements WorkerProcess<Result> {
  readonly name: string;
  readonly #url: URL;
  readonly #args: Args | undefined;
  readonly #onMessage: (message: unknown) => void;
  readonly #graceMillis: number;
  readonly #startMillis: number;
  readonly #permissions: SpawnOptions["permissions"];
  readonly #ended = Promise.withResolvers<Result>();
  readonly #toSend: ToWorker[] = [];
  readonly #lifeline = lifelineName();
  #worker: ModuleWorker | undefined;
  #isStarted = false;
  #isReady = false;
  #outcome: Outcome<Result> | undefined;
  #exitCode: number | undefined;
  readonly #giveUp = new AbortController();
  /** Resolves when the worker's thread has ended, where the runtime can tell. */
  #gone: Promise<void> = Promise.resolve();
  #startTimer: Timer | undefined;
  #graceTimer: Timer | undefined;

  /**
   * Makes a worker.
   *
   * @param args Arguments, where they are not given to `start()`.
   */
  constructor(url: URL, options: SpawnOptions, args?: Args) {
    this.#url = url;
    this.#args = args;
    this.name = options.name ?? url.pathname.split("/").at(-1) ?? url.href;
    this.#onMessage = options.onMessage ?? (() => {});
    this.#graceMillis = options.graceMillis ?? 5_000;
    this.#startMillis = options.startMillis ?? 60_000;
    this.#permissions = options.permissions;
    // A worker that fails before it is joined must not end the program.
    this.#ended.promise.catch(() => {});
  }

  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  start(args: Args | undefined = this.#args): void {
    if (this.#isStarted) {
      throw new Error(`Cannot start ${this.#label}: it was started before`);
    }
    this.#send({ fedlab: "start", args: this.#copyOf(args) });
    this.#isStarted = true;
    this.load();
  }

  /** Starts to load the module, before `start()`. */
  load(): void {
    if (this.#worker !== undefined) return;
    this.#worker = new ModuleWorker(this.#url, {
      name: this.name,
      lifeline: this.#lifeline,
      permissions: this.#permissions,
      onMessage: (message) => this.#receive(message),
      onError: (text) => this.#failToRun(text),
    });
    this.#startTimer = runtime.timers.setTimeout(
      () => this.#failToRun(`${CALLED_NOTHING} within ${this.#startMillis} ms`),
      this.#startMillis,
    );
  }

  join(): Promise<Result> {
    if (this.#worker === undefined) {
      return Promise.reject(new Error(`Cannot join ${this.#label}: it was not started`));
    }
    return this.#ended.promise;
  }

  abort(reason?: unknown): void {
    if (!this.#isRunning) return;
    const why = reason ?? new DOMException("The worker was asked to end", "AbortError");
    this.#send({ fedlab: "abort", reason: recordThrown(why) });
    this.#graceTimer ??= runtime.timers.setTimeout(() => {
      this.#terminate(`it did not end within ${this.#graceMillis} ms of abort()`);
    }, this.#graceMillis);
  }

  terminate(): void {
    if (this.#isRunning) this.#terminate("terminate() was called");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#worker === undefined) return;
    if (this.#isStarted) this.abort();
    else this.terminate();
    await this.#ended.promise.catch(() => {});
  }

  /** The worker as messages name it. */
  get #label(): string {
    return `worker ${this.name} (${this.#url.href})`;
  }

  get #isRunning(): boolean {
    return this.#worker !== undefined && this.#outcome === undefined;
  }

  #copyOf(args: Args | undefined): unknown {
    try {
      return structuredClone(args);
    } catch (error) {
      throw new TypeError(
        `Cannot start ${this.#label}: its arguments cannot be cloned: ${errorMessage(error)}`,
        { cause: error },
      );
    }
  }

  /**
   * Sends a message, which waits until the module has called `defineWorker()`: it would be lost.
   */
  #send(message: ToWorker): void {
    if (this.#isReady) this.#worker?.post(message);
    else this.#toSend.push(message);
  }

  #receive(message: FromWorker): Promise<void> | void {
    if (this.#outcome !== undefined) return;
    switch (message?.fedlab) {
      case "loading":
        return this.#watch();
      case "ready":
        return this.#begin();
      case "loaded":
        return this.#isReady ? undefined : this.#failToRun(CALLED_NOTHING);
      case "unloaded": {
        const cause = reviveThrown(message.thrown);
        return this.#failToRun(stripAnsiCode(errorMessage(cause)), cause);
      }
      case "message":
        return this.#onMessage(message.message);
      case "done":
        return this.#end({ exitCode: 0, result: message.result as Result });
      case "failed":
        return this.#fail(reviveThrown(message.thrown));
      default:
        // A message that the module itself posted.
        return this.#onMessage(message);
    }
  }

  #watch(): void {
    if (this.#lifeline === undefined) return;
    this.#gone = lifelineEnded(this.#lifeline, this.#giveUp.signal);
    this.#gone.then(() => this.#reportSilentEnd());
  }

  #begin(): void {
    runtime.timers.clearTimeout(this.#startTimer);
    this.#isReady = true;
    for (const message of this.#toSend.splice(0)) this.#send(message);
  }

  #reportSilentEnd(): void {
    if (this.#outcome !== undefined) return;
    runtime.timers.clearTimeout(this.#startTimer);
    this.#startTimer = runtime.timers.setTimeout(() => {
      this.#fail(
        new Error(
          this.#isReady
            ? `Cannot join ${this.#label}: it ended before its main returned`
            : `Cannot run ${this.#label}: it ended before it was loaded`,
        ),
      );
    }, LAST_MESSAGE_MILLIS);
  }

  #failToRun(why: string, cause?: unknown): Promise<void> {
    return this.#fail(new Error(`Cannot run ${this.#label}: ${why}`, cause ? { cause } : {}));
  }

  #fail(error: unknown): Promise<void> {
    return this.#end({ exitCode: 1, error });
  }

  #terminate(why: string): void {
    this.#end({
      exitCode: TERMINATED,
      error: new Error(`Cannot join ${this.#label}: it was terminated, ${why}`),
    });
  }

  async #end(outcome: Outcome<Result>): Promise<void> {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    runtime.timers.clearTimeout(this.#startTimer);
    runtime.timers.clearTimeout(this.#graceTimer);
    this.#worker?.terminate();
    await this.#waitForThread();
    this.#exitCode = outcome.exitCode;
    if ("result" in outcome) this.#ended.resolve(outcome.result);
    else this.#ended.reject(outcome.error);
  }

  /**
   * Waits for the end of the thread, but not for long: Deno cannot end a worker whose code never
   * returns to the event loop.
   */
  async #waitForThread(): Promise<void> {
    const timer = runtime.timers.setTimeout(() => this.#giveUp.abort(), ENDING_MILLIS);
    await this.#gone.catch(() => {});
    runtime.timers.clearTimeout(timer);
  }
}

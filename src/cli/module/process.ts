import { runtime } from "../../base/runtime/runtime.ts";
import type { ClientModuleOptions } from "../../sim/define_client.ts";
import { errorMessage } from "../../base/errors.ts";
import type { ToWorker } from "../../worker/messages.ts";
import { recordThrown, reviveThrown } from "../../worker/thrown.ts";
import type { ModuleMessage } from "./messages.ts";
import { ErrorOutput, readMessages } from "./output.ts";
import { writeText } from "../output/terminal.ts";

/** Time for a module to load and call `defineClient()`. */
const START_MILLIS = 60_000;

/** Time for a client to leave its server after it is asked to end. */
const GRACE_MILLIS = 5_000;

/** Time to wait for the last output of a process that has ended. */
const LAST_WORDS_MILLIS = 1_000;

type Timer = ReturnType<typeof setTimeout>;

/** Error of a process that gave no result. */
export class ProcessError extends Error {}

/** Process of a client module. */
export class ModuleProcess {
  /** Receives the messages of the process. */
  take: (message: ModuleMessage) => void = () => {};
  /**
   * Promise that resolves when the client is done, and rejects with the client's error or with a
   * `ProcessError`.
   */
  readonly ended: Promise<void>;
  readonly #process: Deno.ChildProcess;
  readonly #end = Promise.withResolvers<void>();
  readonly #toModule: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #errors = new ErrorOutput((text) => writeText(runtime.process.stderr, text));
  /** Aborted when the rest of the output is not needed. */
  readonly #closed = new AbortController();
  readonly #reading: Promise<unknown>;
  #hasBegun = false;
  /** Timer of the next step of the start. */
  #startTimer: Timer | undefined;
  readonly #timers = new Set<Timer>();

  constructor(program: string, args: string[], print: (text: string) => void) {
    this.#process = runtime.process.command(program, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.ended = this.#end.promise;
    this.ended.catch(() => {});
    this.#toModule = this.#process.stdin.getWriter();
    this.#toModule.closed.catch(() => {});
    const fail = (cause: unknown) => {
      if (!this.#closed.signal.aborted) this.#fail(errorMessage(cause), cause);
    };
    this.#reading = Promise.all([
      readMessages(this.#text("stdout"), { take: (message) => this.#receive(message), print })
        .catch(fail),
      this.#errors.read(this.#text("stderr")).catch(fail),
    ]);
    this.#startTimer = this.#after(
      START_MILLIS,
      () => this.#fail(`it did not call defineClient() within ${START_MILLIS / 1000} seconds`),
    );
    this.#reportEnd();
  }

  /**
   * Starts the client.
   *
   * @param client Options of the client.
   * @param seconds Time for the client to make its handler.
   */
  begin(client: ClientModuleOptions, seconds: number): void {
    this.#hasBegun = true;
    runtime.timers.clearTimeout(this.#startTimer);
    this.#errors.pass();
    this.#send({ fedlab: "start", args: client });
    this.#startTimer = this.#after(
      seconds * 1000,
      () => this.#fail(`it made no handler within ${seconds} seconds (--join-seconds)`),
    );
  }

  /** Records that the client has made its handler. */
  isBuilt(): void {
    runtime.timers.clearTimeout(this.#startTimer);
  }

  /** Asks the client to end. */
  abort(reason: unknown): void {
    this.#send({ fedlab: "abort", reason: recordThrown(reason) });
    this.#after(
      GRACE_MILLIS,
      () => this.#fail(`it did not end within ${GRACE_MILLIS / 1000} seconds`),
    );
  }

  /** Waits for the process to end, and kills it if it does not. */
  async close(): Promise<void> {
    this.#clearTimers();
    await this.#toModule.close().catch(() => {});
    await Promise.race([this.#process.status, this.#pause(LAST_WORDS_MILLIS)]);
    try {
      this.#process.kill("SIGKILL");
    } catch { /* it has ended */ }
    await this.#process.status;
    // Its own child processes may hold the streams open for ever.
    await Promise.race([this.#reading, this.#pause(LAST_WORDS_MILLIS)]);
    this.#closed.abort();
    await this.#reading;
    this.#errors.pass();
    this.#clearTimers();
  }

  #receive(message: ModuleMessage): void {
    if (message.fedlab === "done") this.#end.resolve();
    else if (message.fedlab === "failed") this.#end.reject(reviveThrown(message.thrown));
    else this.take(message);
  }

  async #reportEnd(): Promise<void> {
    const { code, signal } = await this.#process.status;
    await Promise.race([this.#reading, this.#pause(LAST_WORDS_MILLIS)]);
    const how = signal === null ? `ended with status ${code}` : `was ended by ${signal}`;
    this.#fail(
      this.#hasBegun
        ? `its process ${how}`
        : this.#errors.reason() ?? `it ${how} and never called defineClient()`,
    );
  }

  #text(name: "stdout" | "stderr"): AsyncIterable<string> {
    const { signal } = this.#closed;
    return this.#process[name].pipeThrough(new TextDecoderStream(), { signal });
  }

  #send(message: ToWorker): void {
    const bytes = new TextEncoder().encode(`${JSON.stringify(message)}\n`);
    // A process that has ended takes no messages; `ended` reports that.
    this.#toModule.write(bytes).catch(() => {});
  }

  #fail(message: string, cause?: unknown): void {
    this.#end.reject(new ProcessError(message, { cause }));
  }

  #after(millis: number, then: () => void): Timer {
    const timer = runtime.timers.setTimeout(then, millis);
    this.#timers.add(timer);
    return timer;
  }

  #pause(millis: number): Promise<void> {
    return new Promise((resolve) => this.#after(millis, resolve));
  }

  #clearTimers(): void {
    for (const timer of this.#timers) runtime.timers.clearTimeout(timer);
    this.#timers.clear();
  }
}

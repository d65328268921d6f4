import type { ClientModuleOptions } from "../../sim/define_client.ts";
import { errorMessage } from "../../base/errors.ts";
import type { ToWorker } from "../../worker/messages.ts";
import { recordThrown, reviveThrown } from "../../worker/thrown.ts";
import type { ModuleMessage } from "./messages.ts";
import { ErrorOutput, readMessages } from "./output.ts";
import { writeText } from "../output/terminal.ts";

/** Time for a module to load and call `defineClient()`. */
const START_MILLIS = 60_000;

/** How long a client that is asked to end may take to leave its server. */
const GRACE_MILLIS = 5_000;

/** Time after the end of a process in which its last words may still be on the way. */
const LAST_WORDS_MILLIS = 1_000;

type Timer = ReturnType<typeof setTimeout>;

/** The process came to no result. */
export class ProcessError extends Error {}

/** A module's process, from its start to its end. */
export class ModuleProcess {
  /** Takes its messages. */
  take: (message: ModuleMessage) => void = () => {};
  /**
   * Resolves when its client is done; rejects with what the client failed with, or a
   * `ProcessError`.
   */
  readonly ended: Promise<void>;
  readonly #process: Deno.ChildProcess;
  readonly #end = Promise.withResolvers<void>();
  readonly #toModule: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #errors = new ErrorOutput((text) => writeText(Deno.stderr, text));
  /** Aborted when nothing more of it is wanted. */
  readonly #closed = new AbortController();
  readonly #reading: Promise<unknown>;
  #hasBegun = false;
  /** Of what the process has to do next, to begin. */
  #startTimer: Timer | undefined;
  readonly #timers = new Set<Timer>();

  constructor(program: string, args: string[], print: (text: string) => void) {
    this.#process = new Deno.Command(program, {
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

  /** Has its client begin, which may take so many seconds to make its handler. */
  begin(client: ClientModuleOptions, seconds: number): void {
    this.#hasBegun = true;
    clearTimeout(this.#startTimer);
    this.#errors.pass();
    this.#send({ fedlab: "start", args: client });
    this.#startTimer = this.#after(
      seconds * 1000,
      () => this.#fail(`it made no handler within ${seconds} seconds (--join-seconds)`),
    );
  }

  /** Its client has a handler. */
  isBuilt(): void {
    clearTimeout(this.#startTimer);
  }

  /** Asks its client to end. */
  abort(reason: unknown): void {
    this.#send({ fedlab: "abort", reason: recordThrown(reason) });
    this.#after(
      GRACE_MILLIS,
      () => this.#fail(`it did not end within ${GRACE_MILLIS / 1000} seconds`),
    );
  }

  /** Waits for its end, which it is brought to if it does not come by itself. */
  async close(): Promise<void> {
    this.#clearTimers();
    await this.#toModule.close().catch(() => {});
    await Promise.race([this.#process.status, this.#pause(LAST_WORDS_MILLIS)]);
    try {
      this.#process.kill("SIGKILL");
    } catch { /* it has ended */ }
    await this.#process.status;
    // What it has started itself may hold them open for ever.
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
    // A process that is gone takes none; its end tells.
    this.#toModule.write(bytes).catch(() => {});
  }

  #fail(message: string, cause?: unknown): void {
    this.#end.reject(new ProcessError(message, { cause }));
  }

  #after(millis: number, then: () => void): Timer {
    const timer = setTimeout(then, millis);
    this.#timers.add(timer);
    return timer;
  }

  #pause(millis: number): Promise<void> {
    return new Promise((resolve) => this.#after(millis, resolve));
  }

  #clearTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

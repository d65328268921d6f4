import { HONEST_VARIABLE, type RunSettings } from "./run.ts";
import type { Memory, ServerLine } from "./server.ts";

type Finished = Extract<ServerLine, { type: "finished" }>;

const NO_MEMORY: Memory = { rss: 0, heapUsed: 0 };

/** Lines that a stream of bytes makes. */
async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** The server under attack. */
export class ServerProcess implements AsyncDisposable {
  /** Where it listens. */
  address = "";
  /** Lines of its log that tell of a fault of its own, and what it wrote on standard error. */
  readonly strange: string[] = [];
  readonly #process: Deno.ChildProcess;
  readonly #questions: WritableStreamDefaultWriter<Uint8Array>;
  readonly #listening = Promise.withResolvers<void>();
  readonly #finished = Promise.withResolvers<Finished>();
  readonly #asked: ((memory: Memory) => void)[] = [];
  readonly #reading: Promise<unknown>;
  #hasEnded = false;
  #isGone = false;

  private constructor(settings: RunSettings) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--allow-net=127.0.0.1",
        "--allow-read",
        `--allow-env=${HONEST_VARIABLE}`,
        // The young generation has its full size from the beginning, so that its growth is not
        // taken for a leak.
        "--v8-flags=--expose-gc,--min-semi-space-size=16",
        new URL("./server.ts", import.meta.url).href,
        JSON.stringify(settings),
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#questions = this.#process.stdin.getWriter();
    this.#finished.promise.catch(() => {});
    this.#reading = Promise.all([this.#hear(), this.#hearErrors(), this.#watch()]);
  }

  /** Starts it, and waits until it listens. */
  static async start(settings: RunSettings): Promise<ServerProcess> {
    const server = new ServerProcess(settings);
    await server.#listening.promise;
    return server;
  }

  /** Whether the run is over or the process is gone. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** What came of the run. Rejects when the process ended before it. */
  get finished(): Promise<Finished> {
    return this.#finished.promise;
  }

  /** The process's memory; zeros when it is gone. */
  async memory(): Promise<Memory> {
    if (this.#isGone) return NO_MEMORY;
    const { promise, resolve } = Promise.withResolvers<Memory>();
    this.#asked.push(resolve);
    await this.#questions.write(new TextEncoder().encode("?\n")).catch(() => resolve(NO_MEMORY));
    return await promise;
  }

  /** The most memory that the process has had, in bytes; 0 where the system does not tell. */
  async peak(): Promise<number> {
    const status = await Deno.readTextFile(`/proc/${this.#process.pid}/status`).catch(() => "");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  }

  async #hear(): Promise<void> {
    for await (const text of linesOf(this.#process.stdout)) {
      const line: ServerLine = JSON.parse(text);
      if (line.type === "listening") {
        this.address = line.address;
        this.#listening.resolve();
      } else if (line.type === "memory") {
        this.#asked.shift()?.({ rss: line.rss, heapUsed: line.heapUsed });
      } else if (line.type === "strange") this.strange.push(line.text);
      else {
        this.#hasEnded = true;
        this.#finished.resolve(line);
      }
    }
  }

  async #hearErrors(): Promise<void> {
    for await (const line of linesOf(this.#process.stderr)) {
      if (line !== "" && !line.includes("Check ")) this.strange.push(line);
    }
  }

  async #watch(): Promise<void> {
    const { code, signal } = await this.#process.status;
    this.#hasEnded = this.#isGone = true;
    const error = new Error(`The server's process ended with ${signal ?? `status ${code}`}`);
    this.#listening.reject(error);
    this.#finished.reject(error);
    for (const resolve of this.#asked.splice(0)) resolve(NO_MEMORY);
  }

  /** Ends the process if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isGone) this.#process.kill("SIGKILL");
    await this.#reading;
    await this.#questions.close().catch(() => {});
  }
}

const ROOT = `${import.meta.dirname}/../..`;
const MOST_FAILURES = 50;

export function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

/** A process that is started again whenever it ends otherwise than well. */
export class Supervised {
  readonly ended: Promise<void>;
  readonly name: string;
  readonly #args: () => Promise<string[]>;
  readonly #folder: string;
  readonly #env: Record<string, string>;
  #process: Deno.ChildProcess | undefined;
  #isStopped = false;
  #whenDown: (() => Promise<void>) | undefined;
  /** Number of times that it was started. */
  starts = 0;
  /** Whether it has ended well. */
  isDone = false;
  /** What the process said last, for the account of a failure. */
  last = "";

  constructor(
    name: string,
    { folder, args, env = {} }: {
      folder: string;
      args: () => Promise<string[]>;
      env?: Record<string, string>;
    },
  ) {
    this.name = name;
    this.#folder = folder;
    this.#args = args;
    this.#env = env;
    this.ended = this.#keepRunning();
    // Callers that wait for it receive the error.
    this.ended.catch(() => {});
  }

  /** Kills it at once; `whenDown` is done before it is started again. */
  kill(whenDown?: () => Promise<void>): void {
    this.#whenDown = whenDown;
    this.#signal("SIGKILL");
  }

  /** Holds it up for so long. */
  async freeze(millis: number): Promise<void> {
    this.#signal("SIGSTOP");
    await pause(millis);
    this.#signal("SIGCONT");
  }

  /** Ends it for good. */
  stop(): void {
    this.#isStopped = true;
    this.#signal("SIGKILL");
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#process?.kill(signal);
    } catch { /* it has just ended */ }
  }

  async #keepRunning(): Promise<void> {
    for (let failures = 0; !this.#isStopped;) {
      const { code, signal } = await this.#once().catch((error) => {
        // The machine may be short of descriptors for a moment.
        this.last = `${error}`;
        return { code: 1, signal: null };
      });
      if (code === 0) {
        this.isDone = true;
        return;
      }
      if (signal !== "SIGKILL" && ++failures > MOST_FAILURES) {
        throw new Error(`${this.name} fails again and again: ${this.last}`);
      }
      await this.#whenDown?.();
      this.#whenDown = undefined;
      await pause(100);
    }
  }
  /** Runs it until it ends. Rejects when it cannot be started. */
  async #once(): Promise<Deno.CommandStatus> {
    this.starts++;
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${ROOT}/src/cli/main.ts`, ...await this.#args()],
      cwd: this.#folder,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      env: { NO_COLOR: "1", ...this.#env },
    }).spawn();
    const output = await this.#process.output();
    this.last = new TextDecoder().decode(output.stderr.slice(-4000));
    return output;
  }
}

import { withDeadline } from "../../src/base/time/with_deadline.ts";
import type { LiveFigures } from "../processes/live_server.ts";
import { withProcess } from "./process.ts";

/** Most clients in one process. */
const CLIENTS_PER_PROCESS = 2500;
/** Growth of the heap, as of the task `server`. */
const HEAP_GROWTH = "--v8-flags=--heap-growing-percent=150";
/** Rounds, of which the first server makes the first ones. */
const ROUNDS = 4, ROUNDS_BEFORE = 2;

/** Figures of clients that have come back. */
export interface Restart {
  /** Milliseconds from the end of the first server to the end of the second one's first round. */
  readonly millis: number;
  /** Figures of the second server. */
  readonly figures: LiveFigures;
}

/** Server in a process of its own. */
class ServerProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(args: readonly (string | number)[]) {
    const module = new URL("../processes/live_server.ts", import.meta.url);
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", HEAP_GROWTH, module.href, ...args.map(String)],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#lines = linesOf(this.#child.stdout);
  }

  /** Waits for a line that begins with that text. */
  async until(start: string): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error("Cannot measure: the server has ended");
      if (value.startsWith(start)) return value;
    }
  }

  /** Kills the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch { /* it has ended */ }
    while (!(await this.#lines.next()).done);
    await this.#child.status;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/**
 * Kills a server of that many clients between two rounds and starts it again from its checkpoint.
 *
 * @param values Number of parameters.
 */
export async function restart(
  { clients, values, signal }: { clients: number; values: number; signal: AbortSignal },
): Promise<Restart> {
  const folder = await Deno.makeTempDir();
  const args = [clients, values, ROUNDS, folder];
  const killAndStart = async (first: ServerProcess, address: string): Promise<Restart> => {
    await first.until(`round ${ROUNDS_BEFORE}`);
    const began = performance.now();
    await first[Symbol.asyncDispose]();
    await using second = new ServerProcess([address, ...args]);
    await second.until("round");
    const millis = performance.now() - began;
    return { millis, figures: JSON.parse(await second.until("{")) as LiveFigures };
  };
  const module = new URL("../processes/round_clients.ts", import.meta.url);
  /** Starts processes for the clients that are left. */
  const withClients = async (
    left: number,
    address: string,
    work: () => Promise<Restart>,
  ): Promise<Restart> => {
    if (left <= 0) return await work();
    const count = Math.min(left, CLIENTS_PER_PROCESS);
    return await withProcess(
      module,
      [address, count, values],
      { signal },
      () => withClients(left - count, address, work),
    );
  };
  try {
    await using first = new ServerProcess(["127.0.0.1:0", ...args]);
    const address = await first.until("127.0.0.1");
    const measured = withClients(clients, address, () => killAndStart(first, address));
    return await withDeadline(measured, { signal });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

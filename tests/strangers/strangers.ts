import { type Attack, attack } from "./attacks.ts";

const PATH = "/federation";

/** What is tried. */
export interface Trial {
  readonly kind: Attack;
  /** Number of strangers. */
  readonly count: number;
  /** Most of them that are there at once. */
  readonly held: number;
  /** Number of addresses that they come from: limits on a single one keep many of them away. */
  readonly addresses: number;
  readonly rounds: number;
  /** File descriptors that the server may have. */
  readonly descriptors: number;
  /** Whether the server has TLS. Default: only against an attack on that. */
  readonly isSecure?: boolean;
  /** The checkout whose server and clients are tried. */
  readonly root: string;
}

/** What came of it. Memory is that of the server's process, in bytes. */
export interface Outcome {
  readonly status: number;
  readonly digest: string | undefined;
  readonly rounds: number;
  /** Strangers that the server closed. */
  readonly closed: number;
  readonly memory: { readonly before: number; readonly peak: number };
  /** Lines that the server wrote. */
  readonly lines: string[];
}

/**
 * Runs a federation of two clients, over WebSockets or TCP as the strangers want it, as processes;
 * strangers come once its first client has joined, if there is a trial.
 */
export async function federate(
  { root, rounds, descriptors, isSecure, ...strangers }: Trial,
  isTried: boolean,
): Promise<Outcome> {
  const folder = await Deno.makeTempDir();
  const main = `${root}/src/cli/main.ts`;
  const tls = `${root}/tests/fixtures/tls`;
  const isTcp = strangers.kind === "half frames";
  const hasTls = isSecure ?? strangers.kind === "half TLS handshakes";
  const listen = isTcp ? "127.0.0.1:0" : `${hasTls ? "wss" : "ws"}://127.0.0.1:0${PATH}`;
  const options = ["--listen", listen, "--world-size", "3", "--json", "r.json"];
  if (hasTls) options.push("--tls-cert", `${tls}/server.pem`, "--tls-key", `${tls}/server.key`);
  const server = start(
    "sh",
    [
      "-c",
      `ulimit -n ${descriptors}; exec "$0" "$@"`,
      ...deno(main, "server", ...options, "--rounds", `${rounds}`, "--logger-file", "server"),
    ],
    folder,
  );
  const clients: Deno.ChildProcess[] = [];
  try {
    const lines = new Lines(server.stderr);
    const address = /Listening on \S+ (\S+)/.exec(await lines.until(/Listening on/))?.[1];
    const join = (rank: number) => {
      const own = ["--server", address ?? "", "--rank", `${rank}`, "--part", `${rank}/2`];
      if (hasTls) own.push("--tls-ca", `${tls}/ca.pem`);
      const [command = "", ...args] = deno(main, "client", ...own);
      clients.push(start(command, args, folder));
    };
    join(1);
    await lines.until(/Rank 1 joined/);
    const before = await memoryOf(server.pid);
    const coming = isTried
      ? attack(new URL(isTcp ? `tcp://${address}` : address ?? ""), strangers)
      : Promise.resolve(0);
    join(2);
    const status = server.status;
    let peak = before;
    let isOver = false;
    status.then(() => isOver = true);
    while (!isOver) {
      peak = Math.max(peak, await memoryOf(server.pid));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const report = await Deno.readTextFile(`${folder}/r.json`).then(JSON.parse, () => undefined);
    return {
      status: (await status).code,
      digest: report?.modelDigest,
      rounds: report?.rounds.length ?? 0,
      closed: await coming,
      memory: { before, peak },
      lines: await lines.all(),
    };
  } finally {
    for (const child of [server, ...clients]) {
      try {
        child.kill("SIGKILL");
      } catch { /* it has ended */ }
      await child.status;
    }
    await Deno.remove(folder, { recursive: true });
  }
}

function deno(main: string, ...args: string[]): string[] {
  const config = `${main.slice(0, -"/src/cli/main.ts".length)}/deno.json`;
  return [Deno.execPath(), "run", "-A", "--no-prompt", "--config", config, main, ...args];
}

function start(command: string, args: string[], cwd: string): Deno.ChildProcess {
  const isServer = command === "sh";
  return new Deno.Command(command, {
    args,
    cwd,
    stdin: "null",
    stdout: "null",
    stderr: isServer ? "piped" : "null",
    env: { NO_COLOR: "1" },
  }).spawn();
}

/** Bytes that a process has in memory; 0 when it has ended. */
async function memoryOf(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}

/** The lines of a process's output. */
class Lines {
  readonly #lines: string[] = [];
  readonly #done: Promise<void>;
  #news = Promise.withResolvers<void>();
  #isOver = false;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#done = this.#follow(stream);
  }

  async all(): Promise<string[]> {
    await this.#done;
    return this.#lines;
  }

  /** The first line that the pattern matches. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = this.#lines.find((line) => pattern.test(line));
      if (line !== undefined) return line;
      if (this.#isOver) throw new Error(`No line ${pattern} in:\n${this.#lines.join("\n")}`);
      await this.#news.promise;
    }
  }

  async #follow(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.#lines.push(...lines);
      this.#wake();
    }
    this.#isOver = true;
    this.#wake();
  }

  #wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}

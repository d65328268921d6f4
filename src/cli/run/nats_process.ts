import { runtime } from "../../base/runtime/runtime.ts";

/** Line of the server's log that has its port. */
const LISTENS = /Listening for client connections on 127\.0\.0\.1:(\d+)/;
const READY = "Server is ready";

/** NATS server of a demo on this machine, with a store in a folder that is removed with it. */
export class NatsProcess implements AsyncDisposable {
  /** Address of the server. */
  readonly url: string;
  /** Path of its program. */
  readonly program: string;
  readonly #process: Deno.ChildProcess;
  readonly #folder: string;
  readonly #reading: Promise<void>;

  private constructor(
    program: string,
    port: string,
    process: Deno.ChildProcess,
    folder: string,
    reading: Promise<void>,
  ) {
    this.url = `nats://127.0.0.1:${port}`;
    this.program = program;
    this.#process = process;
    this.#folder = folder;
    this.#reading = reading;
  }

  /**
   * Starts the server that `FEDLAB_NATS` names, or that is on the path or in the cache folder.
   *
   * @throws {Error} If there is none, or it does not start.
   */
  static async start(folder: string): Promise<NatsProcess> {
    const program = await findNats();
    if (program === undefined) {
      throw new Error(
        "Cannot start a NATS server: expected nats-server on PATH, or its path in FEDLAB_NATS; with an address, --cluster uses a server that runs",
      );
    }
    await runtime.files.mkdir(folder, { recursive: true });
    const process = runtime.process.command(program, {
      args: ["-a", "127.0.0.1", "-p", "-1", "-js", "-sd", folder],
      ...{ stdin: "null", stdout: "null", stderr: "piped" },
    }).spawn();
    let log = "";
    const listening = Promise.withResolvers<string | undefined>();
    const read = async () => {
      for await (const text of process.stderr.pipeThrough(new TextDecoderStream())) {
        if (log.length < 65_536) log += text;
        if (log.includes(READY)) listening.resolve(LISTENS.exec(log)?.[1]);
      }
      listening.resolve(undefined);
    };
    const reading = read(), port = await listening.promise;
    if (port !== undefined) return new NatsProcess(program, port, process, folder, reading);
    await process.status;
    await runtime.files.remove(folder, { recursive: true });
    throw new Error(`Cannot start ${program}: ${log.trim().split("\n").at(-1) ?? "it ended"}`);
  }

  /** Ends the server and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch { /* it has ended */ }
    await this.#process.status;
    await this.#reading;
    await runtime.files.remove(this.#folder, { recursive: true }).catch(() => {});
  }
}

/** Returns the path of `nats-server`, where it is found. */
async function findNats(): Promise<string | undefined> {
  const { os } = runtime.process, isWindows = os === "windows";
  const name = isWindows ? "nats-server.exe" : "nats-server";
  const own = env("FEDLAB_NATS");
  const cache = env("XDG_CACHE_HOME") ?? `${env("HOME") ?? ""}/.cache`;
  const folders = (env("PATH") ?? "").split(isWindows ? ";" : ":");
  const paths = own === undefined
    ? [...folders, `${cache}/fedlab/nats-server`].map((folder) => `${folder}/${name}`)
    : [own];
  for (const path of paths) {
    const info = await runtime.files.stat(path).catch(() => undefined);
    if (info?.isFile) return path;
  }
}

function env(variable: string): string | undefined {
  const { state } = runtime.process.permissions.querySync({ name: "env", variable });
  return (state === "granted" ? runtime.process.env.get(variable) : undefined) || undefined;
}

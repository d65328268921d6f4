import { freePort } from "./free_port.ts";

/** Milliseconds that a server may take until it listens, its store recovered. */
const READY_MILLIS = 60_000;

/** Place of a server, for the text of its configuration. */
export interface NatsPlace {
  readonly port: number;
  /** Folder of its own, for configuration, keys and the store, removed in the end. */
  readonly folder: string;
}

/** Settings of a server for tests. */
export interface NatsOptions {
  /** Lines inside of the block `jetstream`; `false` for a server without JetStream. */
  readonly jetstream?: string | false;
  /** Further lines of the configuration. */
  readonly lines?: string;
  /** The whole configuration, in place of both. */
  readonly config?: (place: NatsPlace) => string | Promise<string>;
}

/** Path of the `nats-server` to test with, where there is one. */
export const natsProgram: string | undefined = await findNats();

async function findNats(): Promise<string | undefined> {
  const { env } = Deno;
  const name = Deno.build.os === "windows" ? "nats-server.exe" : "nats-server";
  const cache = env.get("XDG_CACHE_HOME") ?? `${env.get("HOME") ?? ""}/.cache`;
  const folders = (env.get("PATH") ?? "").split(Deno.build.os === "windows" ? ";" : ":");
  const own = env.get("FEDLAB_NATS");
  const places = own
    ? [own]
    : [...folders, `${cache}/fedlab/nats-server`].map((folder) => `${folder}/${name}`);
  for (const place of places) {
    const isFile = await Deno.stat(place).then(({ isFile }) => isFile, () => false);
    if (isFile) return place;
  }
}

/** A real `nats-server` on loopback, with a store that outlives its process. */
export class NatsServer implements AsyncDisposable {
  readonly #place: NatsPlace;
  #process: Deno.ChildProcess | undefined;
  #following: Promise<void> = Promise.resolve();
  /** Text that its processes have written. */
  log = "";

  private constructor(place: NatsPlace) {
    this.#place = place;
  }

  /**
   * Starts a server with a store in a temporary folder. Resolves once it listens.
   *
   * @throws {Error} with what the server wrote, when it ends before it listens
   */
  static async start(options: NatsOptions = {}): Promise<NatsServer> {
    const folder = await Deno.makeTempDir({ prefix: "fedlab-nats-" });
    for (let tries = 1;; tries++) {
      const place = { port: freePort(), folder };
      const server = new NatsServer(place);
      try {
        await Deno.writeTextFile(`${folder}/nats.conf`, await configText(place, options));
        await server.restart();
        return server;
      } catch (error) {
        if (tries < 5 && server.log.includes("address already in use")) continue;
        await Deno.remove(folder, { recursive: true });
        throw error;
      }
    }
  }

  /** Its address, such as `nats://127.0.0.1:15222`. */
  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Port that it listens at, the same after each restart. */
  get port(): number {
    return this.#place.port;
  }

  /** Folder with its configuration `nats.conf` and its store. */
  get folder(): string {
    return this.#place.folder;
  }

  /** Number of its process, if it runs. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Ends its process at once, as `kill -9` does, if it runs. Resolves once it is gone. */
  async kill(): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    try {
      process.kill("SIGKILL");
    } catch { /* it has ended */ }
    await process.status;
    await this.#following;
    this.#process = undefined;
  }

  /** Starts its process again, on the same port and store. Resolves once it listens. */
  async restart(): Promise<void> {
    await this.kill();
    const process = this.#process = new Deno.Command(natsProgram ?? "nats-server", {
      args: ["-c", `${this.folder}/nats.conf`],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const { promise: isReady, resolve } = Promise.withResolvers<boolean>();
    this.#following = this.#follow(process, resolve);
    const timer = setTimeout(() => resolve(false), READY_MILLIS);
    try {
      if (await isReady) return;
    } finally {
      clearTimeout(timer);
    }
    await this.kill();
    throw new Error(`nats-server does not listen:\n${this.log}`);
  }

  /** Ends its process and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.folder, { recursive: true });
  }

  async #follow(process: Deno.ChildProcess, told: (isReady: boolean) => void): Promise<void> {
    const from = this.log.length;
    for await (const text of process.stderr.pipeThrough(new TextDecoderStream())) {
      this.log += text;
      if (this.log.includes("Server is ready", from)) told(true);
    }
    told(false);
  }
}

async function configText(place: NatsPlace, options: NatsOptions): Promise<string> {
  if (options.config !== undefined) return await options.config(place);
  const { jetstream = "max_mem: 256MB, max_file: 4GB", lines = "" } = options;
  const store = JSON.stringify(`${place.folder}/store`);
  return [
    "host: 127.0.0.1",
    `port: ${place.port}`,
    ...(jetstream === false ? [] : [`jetstream { store_dir: ${store}\n${jetstream} }`]),
    lines,
  ].join("\n");
}

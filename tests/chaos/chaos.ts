import { Random, type RunReport } from "../../mod.ts";
import { Proxy } from "../_proxy.ts";

const ROOT = `${import.meta.dirname}/../..`;
const CLIENTS = 6;
/** Six heartbeats are longer than a process takes to start again, so that nobody is given up. */
const HEARTBEAT_SECONDS = 2;

/** What is done to a federation. */
export interface ChaosOptions {
  /** How many processes are killed, the server among them. */
  kills: number;
  seed: number;
  /** Folder for the runs. */
  folder: string;
  /** Told what happens. */
  log: (line: string) => void;
}

/** What came of it. */
export interface ChaosOutcome {
  /** The run's report. */
  report: RunReport;
  /** Digest of the same run left alone. */
  undisturbed: string;
  kills: { server: number; client: number };
  /** Connections that were cut, held up, or slowed down. */
  disturbances: number;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

/** A process that is started again whenever it ends otherwise than well. */
class Supervised {
  readonly #args: () => Promise<string[]>;
  readonly #name: string;
  readonly #folder: string;
  readonly ended: Promise<void>;
  #process: Deno.ChildProcess | undefined;
  #isStopped = false;
  /** What the process said last, for the account of a failure. */
  last = "";

  constructor(name: string, folder: string, args: () => Promise<string[]>) {
    this.#name = name;
    this.#folder = folder;
    this.#args = args;
    this.ended = this.#keepRunning();
  }

  kill(): void {
    try {
      this.#process?.kill("SIGKILL");
    } catch { /* it has just ended */ }
  }

  stop(): void {
    this.#isStopped = true;
    this.kill();
  }

  async #keepRunning(): Promise<void> {
    for (let failures = 0; !this.#isStopped;) {
      this.#process = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", `${ROOT}/src/cli/main.ts`, ...await this.#args()],
        cwd: this.#folder,
        stdin: "null",
        stdout: "null",
        stderr: "piped",
        env: { NO_COLOR: "1" },
      }).spawn();
      const { code, signal, stderr } = await this.#process.output();
      this.last = new TextDecoder().decode(stderr);
      if (code === 0) return;
      if (signal !== "SIGKILL" && ++failures > 50) {
        throw new Error(`${this.#name} fails again and again: ${this.last}`);
      }
      await pause(100);
    }
  }
}

function serverArgs({ seed }: ChaosOptions, rounds: number, port: number, run: string): string[] {
  return [
    ...[
      "server",
      "--listen",
      `127.0.0.1:${port}`,
      "--world-size",
      `${CLIENTS + 1}`,
      "--rounds",
      `${rounds}`,
    ],
    ...[
      "--seed",
      `${seed}`,
      "--epochs",
      "100",
      "--out",
      run,
      "--quorum",
      "1",
      "--round-tries",
      "100",
    ],
    ...[
      "--heartbeat-seconds",
      `${HEARTBEAT_SECONDS}`,
      "--round-seconds",
      "60",
      "--join-seconds",
      "60",
    ],
  ];
}

async function hasCheckpoint(run: string): Promise<boolean> {
  try {
    return (await Array.fromAsync(Deno.readDir(`${run}/checkpoints`))).some(({ name }) =>
      name.endsWith(".safetensors")
    );
  } catch {
    return false;
  }
}

/** A federation of processes, to its end. */
async function federate(
  options: ChaosOptions,
  rounds: number,
  name: string,
  disturb?: (
    server: Supervised,
    clients: Supervised[],
    proxies: Proxy[],
    over: () => boolean,
  ) => Promise<void>,
): Promise<RunReport> {
  const folder = `${options.folder}/${name}`;
  await Deno.mkdir(folder, { recursive: true });
  const run = `${folder}/run`, port = freePort();
  const server = new Supervised(
    "the server",
    folder,
    async () =>
      await hasCheckpoint(run)
        ? ["server", "--resume", run]
        : serverArgs(options, rounds, port, run),
  );
  const proxies = Array.from({ length: CLIENTS }, () => new Proxy(port));
  const clients = proxies.map((proxy, i) =>
    new Supervised(`client ${i + 1}`, folder, () =>
      Promise.resolve([
        ...[
          "client",
          "--server",
          proxy.address,
          "--rank",
          `${i + 1}`,
          "--part",
          `${i + 1}/${CLIENTS}`,
        ],
        ...["--join-seconds", "60"],
      ]))
  );
  let isOver = false;
  try {
    const disturbing = disturb?.(server, clients, proxies, () => isOver);
    await server.ended;
    isOver = true;
    await disturbing;
    for (const proxy of proxies) proxy.delayMillis = 0;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${server.last}`, {
      cause: error,
    });
  } finally {
    isOver = true;
    server.stop();
    for (const client of clients) client.stop();
    await Promise.allSettled([server, ...clients].map(({ ended }) => ended));
    await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
  }
  return JSON.parse(await Deno.readTextFile(`${run}/report.json`));
}

/**
 * Runs a federation of a server and six clients, each a process, and meanwhile kills processes and troubles connections at random instants; each
 * that was killed is started again. Then says what came of it beside the same run left alone.
 */
export async function chaos(options: ChaosOptions): Promise<ChaosOutcome> {
  const { kills, seed, log } = options;
  const rounds = 10 + 4 * kills;
  log(`a run of ${rounds} rounds, left alone`);
  const { modelDigest: undisturbed } = await federate(options, rounds, "undisturbed");
  const random = new Random(seed, "test");
  const done = { server: 0, client: 0 };
  let disturbances = 0;
  log(`the same run, with ${kills} kills`);
  const report = await federate(
    options,
    rounds,
    "disturbed",
    async (server, clients, proxies, over) => {
      const began = performance.now();
      const say = (what: string) =>
        log(`${((performance.now() - began) / 1000).toFixed(1)} s: ${what}`);
      await pause(300);
      while (done.server + done.client < kills && !over()) {
        await pause(50 + random.below(500));
        if (over()) break;
        const i = random.below(CLIENTS);
        const proxy = proxies[i];
        switch (random.below(6)) {
          case 0:
            disturbances++;
            say(`cuts the connection of client ${i + 1}`);
            proxy?.cut();
            break;
          case 1:
            disturbances++;
            say(`holds the connection of client ${i + 1} half open`);
            proxy?.hold(pause(200 + random.below(1500)));
            break;
          case 2:
            disturbances++;
            say(`changes the speed of client ${i + 1}'s line`);
            if (proxy !== undefined) proxy.delayMillis = random.below(40);
            break;
          case 3:
            done.server++;
            say("kills the server");
            server.kill();
            await pause(random.below(1500));
            break;
          default:
            done.client++;
            say(`kills client ${i + 1}`);
            clients[i]?.kill();
        }
      }
    },
  );
  return { report, undisturbed, kills: done, disturbances };
}

/** What is wrong with an outcome, in a line each; nothing when all is well. */
export function faultsOf(
  { report, undisturbed, kills: { server, client } }: ChaosOutcome,
  kills: number,
): string[] {
  const rounds = report.rounds.map(({ round }) => round);
  const isWhole = report.rounds.every(({ cohort, received }) =>
    received === cohort.length && received === CLIENTS
  );
  return [
    ...(server + client < kills
      ? [`the run was over after ${server + client} of ${kills} kills`]
      : []),
    ...(rounds.some((round, i) => round !== i + 1)
      ? [`rounds are missing or stand twice: ${rounds}`]
      : []),
    ...(report.rounds.some(({ cohort, received }) => received > cohort.length)
      ? ["an update was counted twice"]
      : []),
    ...(isWhole ? [] : ["a round went on without a client that came back"]),
    ...(isWhole && report.modelDigest !== undisturbed
      ? [`the model is ${report.modelDigest}, left alone it is ${undisturbed}`]
      : []),
  ];
}

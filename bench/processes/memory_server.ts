/**
 * Server whose memory is measured. It starts the process of its clients and prints its peak memory
 * in bytes.
 */
import { silentLogger } from "../../src/base/log/log.ts";
import { SyncParameterServerHandler } from "../../src/round/handler/sync_handler.ts";
import { ServerSyncTop } from "../../src/server/sync_topology.ts";
import { withProcess } from "../helpers/process.ts";
import { flatManifest } from "../helpers/step_handler.ts";

const ROUNDS = 3;
const SAMPLE_MILLIS = 5;

/** Peak of the process's resident memory, sampled where the system does not record it. */
class PeakMemory implements Disposable {
  #sampled = 0;
  readonly #timer = setInterval(() => this.#sample(), SAMPLE_MILLIS);

  /** Peak so far, in bytes. */
  get bytes(): number {
    this.#sample();
    if (Deno.build.os !== "linux") return this.#sampled;
    const status = Deno.readTextFileSync("/proc/self/status");
    return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    this.#sampled = Math.max(this.#sampled, Deno.memoryUsage().rss);
  }
}

async function serve(clients: number, length: number, seed: number): Promise<number> {
  using peak = new PeakMemory();
  const manifest = flatManifest(length);
  const handler = new SyncParameterServerHandler({
    manifest,
    parameters: new Float32Array(length).fill(0.5),
    seed,
  });
  const digest = await manifest.digest();
  const signal = new AbortController().signal;
  const clientsModule = new URL("./memory_clients.ts", import.meta.url);
  let ended: Promise<unknown> = Promise.resolve();
  const topology = new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: clients + 1,
    rounds: ROUNDS,
    logger: silentLogger,
    onEvent: (event) => {
      if (event.type !== "listening") return;
      const args = [event.address, clients, length, digest];
      ended = withProcess(clientsModule, args, { signal }, ({ output }) => output);
    },
  });
  const { rounds } = await topology.run();
  await ended;
  if (rounds.some(({ received }) => received < clients)) {
    throw new Error("Cannot measure the memory: clients were lost");
  }
  return peak.bytes;
}

if (import.meta.main) {
  const [clients = 0, length = 0, seed = 0] = Deno.args.map(Number);
  console.log(await serve(clients, length, seed));
}

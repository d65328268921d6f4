import { silentLogger } from "../../src/base/log/log.ts";
import { SyncParameterServerHandler } from "../../src/round/handler/sync_handler.ts";
import { ServerSyncTop } from "../../src/server/sync_topology.ts";
import { ProcessorTime } from "./processor_time.ts";
import { withProcess } from "./process.ts";
import { flatManifest } from "./step_handler.ts";

/** Most clients in one process. */
const CLIENTS_PER_PROCESS = 2500;
/** Limit that no benchmark reaches. */
const NO_LIMIT = 1e9;

/** Options of {@linkcode liveRounds}. */
export interface LiveRoundsOptions {
  readonly clients: number;
  /** Number of parameters. */
  readonly values: number;
  /** Rounds that are not measured. */
  readonly warmUp: number;
  readonly rounds: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Transport. Default: TCP. */
  readonly transport?: LiveTransport;
}

/** Transport of a benchmark. */
export type LiveTransport = "tcp" | "websocket";

/** Addresses to listen on. */
const ADDRESSES: Readonly<Record<LiveTransport, string>> = {
  tcp: "127.0.0.1:0",
  websocket: "ws://127.0.0.1:0/rounds",
};

/** Times of rounds. */
export interface LiveRounds {
  /** Milliseconds of each round, from the choice of the cohort to the new model. */
  readonly roundMillis: readonly number[];
  /** Mean processor time of the server in a round. */
  readonly processorMillis: number;
}

/**
 * Runs rounds of clients that do not train. The server is in this process and the clients
 * share others: with a process each, a machine of few cores would measure the system's scheduler.
 *
 * @throws {Error} If a client is missing in a round.
 */
export async function liveRounds(
  { clients, values, warmUp, rounds, seed, signal, transport = "tcp" }: LiveRoundsOptions,
): Promise<LiveRounds> {
  const handler = new SyncParameterServerHandler({
    manifest: flatManifest(values),
    parameters: new Float32Array(values),
    seed,
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
  });
  const processor = new ProcessorTime();
  const listening = Promise.withResolvers<string>();
  const failed = new AbortController();
  const topology = new ServerSyncTop(handler, {
    listen: ADDRESSES[transport],
    distBackend: transport,
    worldSize: clients + 1,
    rounds: warmUp + rounds,
    quorum: 1,
    logger: silentLogger,
    limits: {
      connections: NO_LIMIT,
      connectionsPerAddress: NO_LIMIT,
      unregistered: NO_LIMIT,
      arrivalsPerSecond: NO_LIMIT,
      arrivalsAtOnce: NO_LIMIT,
    },
    onEvent: (event) => {
      processor.onEvent(event);
      if (event.type === "listening") listening.resolve(event.address);
    },
  });
  const running = topology.run({ signal: AbortSignal.any([signal, failed.signal]) });
  running.catch(listening.reject);
  const module = new URL("../processes/round_clients.ts", import.meta.url);
  const address = await listening.promise;
  /** Starts processes for the clients that are left, and waits for the run in the last one. */
  const withClients = async (left: number): Promise<Awaited<typeof running>> => {
    if (left <= 0) return await running;
    const count = Math.min(left, CLIENTS_PER_PROCESS);
    const args = [address, count, values, transport];
    return await withProcess(module, args, { signal }, () => withClients(left - count));
  };
  try {
    const report = await withClients(clients);
    if (report.rounds.some(({ received }) => received < clients)) {
      throw new Error("Cannot measure the rounds: clients were lost");
    }
    return {
      roundMillis: report.rounds.slice(warmUp).map(({ seconds }) => seconds * 1000),
      processorMillis: processor.mean(warmUp),
    };
  } catch (error) {
    failed.abort(error);
    await running.catch(() => {});
    throw error;
  }
}

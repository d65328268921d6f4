import { silentLogger } from "../../src/base/log/log.ts";
import { SyncParameterServerHandler } from "../../src/round/handler/sync_handler.ts";
import { ServerSyncTop } from "../../src/server/sync_topology.ts";
import { withProcess } from "../helpers/process.ts";
import { type BenchOptions, type BenchResult, mostResult } from "../result.ts";
import { flatManifest } from "../helpers/step_handler.ts";

const CLIENTS = 10;
const VALUES = 2_000;
const WARM_UP_ROUNDS = 50;
const ROUNDS = 500;

/**
 * Measures rounds over TCP of ten clients that do not train, with 2,000 parameters. Value: the
 * median time of a round in the report, from the choice of the cohort to the new model, without
 * evaluation. Ceiling: 5 ms. The server is in this process and the clients share another: with a
 * process each, a machine of few cores would measure the system's scheduler.
 */
export async function roundBench({ seed, signal }: BenchOptions): Promise<BenchResult> {
  const handler = new SyncParameterServerHandler({
    manifest: flatManifest(VALUES),
    parameters: new Float32Array(VALUES),
    seed,
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
  });
  const listening = Promise.withResolvers<string>();
  const failed = new AbortController();
  const topology = new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: CLIENTS + 1,
    rounds: WARM_UP_ROUNDS + ROUNDS,
    logger: silentLogger,
    onEvent: (event) => {
      if (event.type === "listening") listening.resolve(event.address);
    },
  });
  const running = topology.run({ signal: AbortSignal.any([signal, failed.signal]) });
  running.catch(listening.reject);
  const module = new URL("../processes/round_clients.ts", import.meta.url);
  try {
    const args = [await listening.promise, CLIENTS, VALUES];
    const { rounds } = await withProcess(module, args, { signal }, () => running);
    const times = rounds.slice(WARM_UP_ROUNDS).map(({ seconds }) => seconds * 1000);
    return mostResult("round-small", times, { unit: "ms", most: 5 });
  } catch (error) {
    failed.abort(error);
    await running.catch(() => {});
    throw error;
  }
}

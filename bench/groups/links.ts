/**
 * Rounds over slow links.
 *
 * @module
 */

import { silentLogger } from "../../src/base/log/log.ts";
import { SyncParameterServerHandler } from "../../src/round/handler/sync_handler.ts";
import { ServerSyncTop } from "../../src/server/sync_topology.ts";
import { withLinks } from "../helpers/links.ts";
import { withProcess } from "../helpers/process.ts";
import { flatManifest } from "../helpers/step_handler.ts";
import { type BenchOptions, type BenchResult, mostResult } from "../result.ts";
import { codedLinksBench } from "./coded_links.ts";

const BITS_PER_SECOND = 20e6;
/** Half of the round trip. */
const DELAY_MILLIS = 25;
/** The server learns in the first rounds which clients share a link. */
const WARM_UP_ROUNDS = 2;
const ROUNDS = 3;

/** Case of the benchmark. */
interface LinksCase {
  readonly name: string;
  readonly clients: number;
  readonly values: number;
  readonly isShared: boolean;
  /** Longest time of a round, in milliseconds. */
  readonly most: number;
}

const CASES: readonly LinksCase[] = [
  // Theory: 16.6 s, down and up one after the other.
  { name: "link-16-own", clients: 16, values: 5_000_000, isShared: false, most: 18_000 },
  // Theory: 13.7 s, when others download while one uploads.
  { name: "link-4-shared", clients: 4, values: 1_663_370, isShared: true, most: 16_000 },
];

/**
 * Measures rounds of clients that do not train, over links of 20 Mbit/s each way and a round trip
 * of 50 ms: a link for each client, or one for all, and rounds with codecs over a link that loses
 * packets. Value: the median time of a round.
 */
export async function* linksBench(options: BenchOptions): AsyncGenerator<BenchResult> {
  for (const one of CASES) {
    const times = await roundMillis(one, options);
    yield mostResult(one.name, times, { unit: "ms", most: one.most });
  }
  yield* codedLinksBench(options);
}

async function roundMillis(
  { clients, values, isShared }: LinksCase,
  { seed, signal }: BenchOptions,
): Promise<number[]> {
  const manifest = flatManifest(values);
  const handler = new SyncParameterServerHandler({
    manifest,
    parameters: new Float32Array(values),
    seed,
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
  });
  const listening = Promise.withResolvers<string>();
  const failed = new AbortController();
  const topology = new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: clients + 1,
    rounds: WARM_UP_ROUNDS + ROUNDS,
    logger: silentLogger,
    onEvent: (event) => {
      if (event.type === "listening") listening.resolve(event.address);
    },
  });
  const running = topology.run({ signal: AbortSignal.any([signal, failed.signal]) });
  running.catch(listening.reject);
  const module = new URL("../processes/memory_clients.ts", import.meta.url);
  try {
    const link = { clients, isShared, bitsPerSecond: BITS_PER_SECOND, delayMillis: DELAY_MILLIS };
    const digest = await manifest.digest();
    const { rounds } = await withLinks(
      await listening.promise,
      link,
      { signal },
      (addresses) =>
        withProcess(module, [addresses, clients, values, digest], { signal }, () => running),
    );
    return rounds.slice(WARM_UP_ROUNDS).map(({ seconds }) => seconds * 1000);
  } catch (error) {
    failed.abort(error);
    await running.catch(() => {});
    throw error;
  }
}

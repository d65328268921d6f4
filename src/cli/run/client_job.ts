import { parsePartition } from "../../data/partition/partition.ts";
import type { Dataset } from "../../data/dataset.ts";
import { holdOut } from "../../data/split.ts";
import { ClientFollowingTop } from "../../client/following_topology.ts";
import type { ClientEvent, ClientTopologyOptions } from "../../client/topology.ts";
import { openLog } from "../../base/log/log.ts";
import { ClientSGDHandler } from "../../engine/client_handler.ts";
import { type DataFlags, dataFrom, loadData } from "../options/data.ts";
import { chooseKernels, type EngineFlags } from "../options/options.ts";

/** Which of the data a client has. */
export interface DataChoice extends DataFlags {
  /** The part of it that is this client's; the whole when absent. */
  part?: { index: number; parts: number };
  /** How it is parted, see `parsePartition()`. */
  partition: string;
  /** Share of the client's samples that it evaluates on and does not learn from; in place of the data's test set. */
  holdOut?: number;
  /** Seed of the parting. */
  seed: number;
}

/** All that a client needs, in a form that can be posted to a worker. */
export interface ClientJob {
  topology: Omit<ClientTopologyOptions, "logger" | "onEvent">;
  data: DataChoice;
  engine: EngineFlags;
}

/** The data of one client. */
export async function clientData(
  choice: DataChoice,
  signal?: AbortSignal,
): Promise<{ train: Dataset; test?: Dataset }> {
  const { train: all, test, ids } = await loadData(dataFrom(choice), signal);
  const { part, partition, seed, holdOut: share } = choice;
  let train = all;
  if (part !== undefined) {
    const { index, parts } = part;
    const scheme = parsePartition(partition);
    const rows = scheme.deal(all, { parts, seed, ...(ids && { ids }) })[index - 1] ?? [];
    train = scheme.take(all, rows, { index, parts, seed });
  }
  if (share === undefined) return { train, ...(test && { test }) };
  const places = Uint32Array.from(train.labels.keys());
  const held = holdOut(places, { share, seed, index: part?.index ?? 0 });
  return { train: train.select(held.train), test: train.select(held.test) };
}

/** Runs a client that trains by SGD, to the end of its run. */
export async function runClientJob(
  job: ClientJob,
  options:
    & { signal?: AbortSignal; onEvent?: (event: ClientEvent) => void }
    & Pick<ClientTopologyOptions, "distBackend" | "credential" | "serverName">,
): Promise<void> {
  const { engine, backend } = job.engine;
  chooseKernels(job.engine);
  const { train, test } = await clientData(job.data, options.signal);
  using log = openLog({ loggerName: "train", ...job.topology.log });
  await using handler = new ClientSGDHandler({
    data: train,
    engine,
    backend,
    logger: log.logger,
    ...(test && { testData: test }),
  });
  const { signal, ...own } = options;
  const client = new ClientFollowingTop(handler, { ...job.topology, ...own });
  await client.run(signal ? { signal } : {});
}

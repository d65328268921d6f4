import { parsePartition } from "../../data/partition/partition.ts";
import type { Dataset } from "../../data/dataset.ts";
import { holdOut } from "../../data/split.ts";
import { ClientFollowingTop } from "../../client/following_topology.ts";
import type { ClientEvent, ClientTopologyOptions } from "../../client/options.ts";
import { openLog } from "../../base/log/log.ts";
import { ClientSGDHandler } from "../../engine/client_handler.ts";
import { type DataFlags, dataFrom, type Part } from "../options/data.ts";
import type { EngineOptions } from "../options/option.ts";
import { loadData } from "./data.ts";
import { chooseKernels } from "./engine.ts";

/** Data of a client. */
export interface DataChoice extends DataFlags {
  /** Part of the data set that is this client's. Default: all of it. */
  part?: Part;
  /** Partition of the data set, as `parsePartition()` reads it. */
  partition: string;
  /**
   * Share of the client's samples that it evaluates on and does not train on, in place of the data
   * set's test data.
   */
  holdOut?: number;
  /** Seed of the partition. */
  seed: number;
}

/** Everything that a client needs, in a form that can be posted to a worker. */
export interface ClientJob {
  topology: Omit<ClientTopologyOptions, "logger" | "onEvent">;
  data: DataChoice;
  engine: Partial<EngineOptions>;
}

/** Loads the data of one client. */
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
  const places = Uint32Array.from({ length: train.length }, (_, row) => row);
  const held = holdOut(places, { share, seed, index: part?.index ?? 0 });
  return { train: train.select(held.train), test: train.select(held.test) };
}

/** Runs the built-in client, which trains by SGD, to the end of its run. */
export async function runClientJob(
  job: ClientJob,
  options:
    & { signal?: AbortSignal; onEvent?: (event: ClientEvent) => void }
    & Pick<ClientTopologyOptions, "distBackend" | "credential" | "serverName">,
): Promise<void> {
  const { strictDeterminism: _, ...engine } = job.engine;
  chooseKernels(job.engine);
  const { train, test } = await clientData(job.data, options.signal);
  using log = openLog({ loggerName: "train", ...job.topology.log });
  await using handler = new ClientSGDHandler({
    ...engine,
    data: train,
    logger: log.logger,
    ...(test && { testData: test }),
  });
  const { signal, ...own } = options;
  const client = new ClientFollowingTop(handler, { ...job.topology, ...own });
  await client.run(signal ? { signal } : {});
}

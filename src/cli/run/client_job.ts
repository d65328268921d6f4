import type { DataSource } from "../../data/schema/data_source.ts";
import { shareOf } from "../../data/sources/share.ts";
import { ClientFollowingTop } from "../../client/following_topology.ts";
import type { ClientEvent } from "../../client/events.ts";
import type { ClientTopologyOptions } from "../../client/options.ts";
import { openLog } from "../../base/log/log.ts";
import { openClientTelemetry } from "../../telemetry/open.ts";
import { ClientSGDHandler } from "../../engine/client_handler.ts";
import type { ClientPrivacy } from "../../train/client_privacy.ts";
import { type DataFlags, dataFrom, type Part } from "../options/data.ts";
import type { EngineOptions } from "../options/option.ts";
import { openSource } from "./data.ts";
import { baseAt } from "./base.ts";
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
  /** Path of the pretrained base. */
  base?: string | undefined;
  /** Largest rank of the adapters that are trained. Default: that of the model. */
  adapterRank?: number | undefined;
}

/** Opens the data of one client, which are arranged when the server's schema is known. */
export async function clientSource(choice: DataChoice, signal?: AbortSignal): Promise<DataSource> {
  const { schema: _, ...data } = dataFrom(choice);
  const { part, partition, seed, holdOut } = choice;
  return await shareOf(await openSource(data, signal), { part, partition, seed, holdOut });
}

/** Returns the source with each note in the log. */
function logged(source: DataSource, log: (note: string) => unknown): DataSource {
  const { tables, hasIds } = source;
  return {
    name: source.name,
    ...(hasIds && { hasIds }),
    async arrange(schema) {
      const arranged = await source.arrange(schema);
      arranged.notes.forEach(log);
      return arranged;
    },
    ...(tables && { tables: tables.bind(source) }),
  };
}

/** Runs the built-in client, which trains by SGD, to the end of its run. */
export async function runClientJob(
  job: ClientJob,
  options:
    & {
      signal?: AbortSignal;
      onEvent?: (event: ClientEvent) => void;
      privacy?: ClientPrivacy | undefined;
    }
    & Pick<ClientTopologyOptions, "distBackend" | "credential" | "serverName" | "secureKeys">,
): Promise<void> {
  const { strictDeterminism: __, ...engine } = job.engine;
  chooseKernels(job.engine);
  const source = await clientSource(job.data, options.signal);
  const telemetry = await openClientTelemetry();
  const toLog = { ...job.topology.log, onLine: telemetry?.onLine };
  using log = openLog({ loggerName: "train", ...toLog });
  const base = job.base === undefined ? undefined : await baseAt(job.base, job.adapterRank);
  await using handler = new ClientSGDHandler({
    ...engine,
    ...(base && { base }),
    data: logged(source, (note) => log.logger.info(note)),
    logger: log.logger,
    ...(options.privacy && { privacy: options.privacy }),
  });
  const { signal, privacy, onEvent, ...own } = options;
  const client = new ClientFollowingTop(handler, {
    ...job.topology,
    ...own,
    log: toLog,
    ...(telemetry && { tracer: telemetry.tracer }),
    onEvent: (event) => {
      // A client that keeps its own data private has figures in its log that are not for others.
      if (event.type === "joined") {
        telemetry?.joined({ ...event, ...(privacy && { isClosed: true }) });
      }
      onEvent?.(event);
    },
  });
  await client.run(signal ? { signal } : {});
}

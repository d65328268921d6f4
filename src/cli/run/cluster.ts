import type { ClusterOptions } from "../../cluster/connect.ts";
import type { EventLog } from "../../cluster/events/event_log.ts";
import { shownSettings } from "../dashboard/shown_settings.ts";
import { basename } from "node:path";
import { runtime } from "../../base/runtime/runtime.ts";
import { fileError } from "../../data/file.ts";
import type { Flags } from "../options/table.ts";
import { UsageError } from "../options/option.ts";
import { printError } from "../output/terminal.ts";

/** Options about access to a cluster. */
export type ClusterFlags = Pick<
  Flags<"simulate">,
  "cluster" | "clusterKey" | "clusterCreds" | "clusterCa"
>;

/** Begins the events of a simulation on a cluster, which watchers may follow. */
export async function clusterEvents(
  options: ClusterOptions,
  flags: object,
  folder: string,
): Promise<EventLog> {
  const { EventLog } = await import("../../cluster/events/event_log.ts");
  const run = { name: runNameOf(folder), command: "simulate", settings: shownSettings(flags) };
  return await EventLog.begin(options, run);
}

/** Returns the name of a run in a cluster: that of its folder. */
export function runNameOf(folder: string): string {
  return basename(folder);
}

/** Returns the access to a cluster that options describe; `undefined` for none. */
export async function clusterFrom(flags: ClusterFlags): Promise<ClusterOptions | undefined> {
  const { cluster: url, clusterKey, clusterCreds, clusterCa } = flags;
  if (url === undefined) {
    const given = Object.entries({ clusterKey, clusterCreds, clusterCa })
      .find(([, value]) => value !== undefined);
    if (given) throw new UsageError(`expected --cluster with the files of its server`);
    return undefined;
  }
  if (clusterKey !== undefined && clusterCreds !== undefined) {
    throw new UsageError("expected --cluster-key or --cluster-creds, got both");
  }
  return {
    url,
    ...(clusterKey !== undefined && { nkey: await seedIn(clusterKey) }),
    ...(clusterCreds !== undefined && { creds: await read(clusterCreds) }),
    ...(clusterCa !== undefined && { tls: { ca: await read(clusterCa) } }),
    onNotice: printError,
  };
}

async function seedIn(path: string): Promise<string> {
  // Loads the clients of NATS.
  const { readSeed } = await import("../../cluster/config/read_seed.ts");
  return await readSeed(path, printError);
}

async function read(path: string): Promise<string> {
  try {
    return await runtime.files.readTextFile(path);
  } catch (error) {
    throw fileError(error, path);
  }
}

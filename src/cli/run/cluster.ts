import type { ConductedRun } from "../../cluster/conducted_run.ts";
import type { ClusterOptions } from "../../cluster/connect.ts";
import type { EventLog } from "../../cluster/events/event_log.ts";
import { shownSettings } from "../dashboard/shown_settings.ts";
import { basename, join } from "node:path";
import type { StartClientPool } from "../../sim/client_pool.ts";
import type { Command } from "../deps.ts";
import { mergeFlags, resumeNotes } from "../options/resume.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { fileError } from "../../data/file.ts";
import type { Flags } from "../options/table.ts";
import { conflictText, findConflict } from "../../plan/compatibility/conflicts.ts";
import { UsageError } from "../options/option.ts";
import { printError } from "../output/terminal.ts";

/** File in the folder of a run, with the run's name in the cluster. */
const RUN_NAME = "cluster-run.txt";

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
  run: ConductedRun | undefined,
): Promise<EventLog> {
  const { EventLog } = await import("../../cluster/events/event_log.ts");
  const began = { name: runNameOf(folder), command: "simulate", settings: shownSettings(flags) };
  return await EventLog.begin(options, began, run?.name);
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

/**
 * Checks that the options of a simulation go with a cluster.
 *
 * @throws {UsageError} If they do not.
 */
export function checkWithCluster(
  cluster: ClusterOptions | undefined,
  { workers }: Pick<Flags<"simulate">, "workers">,
): void {
  const conflict = findConflict({ isClustered: cluster !== undefined, workers });
  if (conflict !== undefined) throw new UsageError(conflictText(conflict));
}

/** Takes over a run whose coordinator has died, with `--standby`; waits for one until then. */
export async function takenOver(
  cluster: ClusterOptions | undefined,
  { standby, resume }: Flags<"simulate">,
  signal: AbortSignal,
): Promise<ConductedRun | undefined> {
  if (!standby) return undefined;
  if (cluster === undefined) throw new UsageError("expected --cluster with --standby");
  if (resume !== undefined) throw new UsageError("expected no --resume with --standby");
  printError("Waiting for a run of the cluster whose coordinator dies");
  const { ConductedRun } = await import("../../cluster/conducted_run.ts");
  const run = await ConductedRun.takeOver(cluster, signal);
  const { checkpoint } = run;
  printError(`Takes over the run ${run.name}, after round ${checkpoint?.round ?? 0}`);
  return run;
}

/** Returns the options of a run that is taken over. */
export async function takenFlags(
  { notes }: ConductedRun,
  { out, ...given }: Flags<"simulate">,
  command: Command,
): Promise<Flags<"simulate">> {
  const merged = await mergeFlags<Flags<"simulate">>({ state: { notes } }, given, command);
  const { out: _, ...flags } = merged;
  return { ...flags, ...(out !== undefined && { out }), standby: false };
}

/** Makes a run known to the cluster, so that another process may take it over. */
export async function conductedRun(
  cluster: ClusterOptions | undefined,
  folder: string,
  flags: Flags<"simulate">,
  command: Command,
): Promise<ConductedRun | undefined> {
  // Ledgers of clients that keep their data private cannot be taken over.
  if (cluster === undefined || flags.clientPrivacy !== undefined) return undefined;
  const { ConductedRun } = await import("../../cluster/conducted_run.ts");
  // A run that is resumed goes on under its name, so that no standby takes its old entry over.
  const path = join(folder, RUN_NAME), former = await nameIn(path);
  const notes = resumeNotes(command, flags);
  const run = await ConductedRun.begin(cluster, runNameOf(folder), notes, former);
  if (former === undefined) await runtime.files.writeTextFile(path, run.name);
  return run;
}

/** Returns the name of a run in the cluster, from the file in its folder; `undefined` for none. */
async function nameIn(path: string): Promise<string | undefined> {
  try {
    const name = (await runtime.files.readTextFile(path)).trim();
    return /^[\w-]{1,128}$/.test(name) ? name : undefined;
  } catch (error) {
    if (error instanceof runtime.errors.NotFound) return undefined;
    throw fileError(error, path);
  }
}

/** Returns the function that starts the pool of a run on the machines of a cluster. */
export async function poolOf(
  cluster: ClusterOptions,
  run: ConductedRun | undefined,
): Promise<StartClientPool> {
  const { clusterPool } = await import("../../cluster/cluster_pool.ts");
  const known = run && {
    run: run.name,
    onNote: (note: string) => run.checkNote(note),
    // Its cause may be gone when somebody starts a standby.
    onFault: () => {
      if (run.lost.aborted) return;
      run.leave();
      printError(`The run ${run.name} can go on: simulate --cluster ${cluster.url} --standby`);
    },
  };
  return clusterPool({ ...cluster, ...known });
}

import { basename } from "node:path";
import { runtime } from "../../base/runtime/runtime.ts";
import { didYouMean } from "../../base/did_you_mean.ts";
import { printable } from "../../base/printable.ts";
import { counted } from "../../display/amounts.ts";
import type { CommandContext } from "../context.ts";
import type { Command } from "../deps.ts";
import { makeCommand } from "../options/command.ts";
import { UsageError } from "../options/option.ts";
import type { Flags } from "../options/table.ts";
import { printError } from "../output/terminal.ts";
import { printerBeside, writeOutput } from "../output/write_output.ts";
import { toJson } from "../run/run_folder.ts";
import { ClusterRuns } from "../runs/cluster_runs.ts";
import { clusterFrom } from "../run/cluster.ts";
import { endLine, followRun } from "../runs/follow_run.ts";
import { readRun } from "../runs/read_run.ts";
import { RunIndex } from "../runs/run_index.ts";
import type { RunDetails, RunRecord } from "../runs/run_record.ts";

/** Actions of the command. */
const ACTIONS = ["list", "compare", "follow"] as const;

/** `runs`: the runs of a folder as a list or side by side, or the rounds of one as they end. */
export function runsCommand({ signal }: CommandContext): Command {
  return makeCommand("runs", {
    description: "Lists runs, compares some, or follows one that is under way.",
    example: "deno task runs compare one two --goal 0.9",
  }).argument("[action]", `one of ${ACTIONS.join(", ")}`, "list")
    .argument("[run...]", "names of runs, or their folders")
    .action((action: string, runs: string[], flags: Flags<"runs">) =>
      runRuns(action, runs, flags, signal)
    );
}

async function runRuns(
  action: string,
  names: readonly string[],
  flags: Flags<"runs">,
  signal: AbortSignal,
): Promise<void> {
  if (!ACTIONS.some((one) => one === action)) {
    const meant = didYouMean(action, ACTIONS);
    throw new UsageError(`expected ${ACTIONS.join(", ")}, got "${printable(action)}"${meant}`);
  }
  if (action === "list" && names.length > 0) {
    throw new UsageError("expected runs after compare or follow alone");
  }
  if (action === "compare" && names.length < 2) {
    throw new UsageError("expected two runs or more after compare");
  }
  if (action === "follow" && names.length > 1) {
    throw new UsageError("expected one run after follow");
  }
  const access = await clusterFrom(flags);
  await using cluster = access && await ClusterRuns.connect(access);
  if (action === "follow") await follow(names[0], flags, signal, cluster);
  else if (action === "compare") await compare(names, flags, cluster);
  else await list(flags, cluster);
}

/** Runs of a list, and the number of all. */
interface RunList {
  readonly runs: readonly RunRecord[];
  readonly size: number;
}

async function list(flags: Flags<"runs">, cluster?: ClusterRuns): Promise<void> {
  const { json } = flags;
  const { runs, size } = cluster ? await clusterList(cluster, flags) : await folderList(flags);
  if (json !== undefined) await writeOutput(json, toJson(runs));
  const show = printerBeside(json);
  const { listTable, faultLines } = await import("../runs/run_tables.ts");
  if (runs.length > 0) show(listTable(runs));
  faultLines(runs).forEach(printError);
  const left = size - runs.length;
  const all = counted(size, "run");
  show(left > 0 ? `${all}, ${counted(left, "of them is", "of them are")} not shown` : all);
}

async function folderList(flags: Flags<"runs">): Promise<RunList> {
  using index = await openIndex(flags);
  return { runs: index.list(flags.sort, flags.limit), size: index.size };
}

async function clusterList(cluster: ClusterRuns, { sort, limit }: Flags<"runs">): Promise<RunList> {
  const runs = (await cluster.list(sort)).map(({ record }) => record);
  return { runs: runs.slice(0, limit), size: runs.length };
}

async function compare(
  names: readonly string[],
  flags: Flags<"runs">,
  cluster?: ClusterRuns,
): Promise<void> {
  const { json, goal } = flags;
  const runs: RunDetails[] = [];
  for (const name of names) {
    runs.push(
      cluster ? (await cluster.find(name)).details : await readRun(await folderOf(name, flags)),
    );
  }
  if (json !== undefined) await writeOutput(json, toJson(runs));
  const { compareTable, faultLines } = await import("../runs/run_tables.ts");
  printerBeside(json)(compareTable(runs, { goal }));
  faultLines(runs.map(({ record }) => record)).forEach(printError);
}

async function follow(
  name: string | undefined,
  flags: Flags<"runs">,
  signal: AbortSignal,
  cluster?: ClusterRuns,
): Promise<void> {
  const { json } = flags;
  const show = printerBeside(json);
  const record = cluster
    ? await cluster.follow((await cluster.find(name)).id, show, signal)
    : await followFolder(name, flags, signal, show);
  if (json !== undefined) await writeOutput(json, toJson(record));
  if (record.stage === "stopped") throw new Error(endLine(record));
  show(endLine(record));
}

async function followFolder(
  name: string | undefined,
  flags: Flags<"runs">,
  signal: AbortSignal,
  show: (line: string) => void,
): Promise<RunRecord> {
  const folder = name === undefined ? await runningFolder(flags) : await folderOf(name, flags);
  return await followRun(folder, {
    signal,
    show,
    onSilent: () =>
      printError(`${basename(folder)} saves no checkpoints: its rounds show when it is over`),
  });
}

/** Opens the index of the folder of the runs. */
async function openIndex({ runsDir, rebuild }: Flags<"runs">): Promise<RunIndex> {
  const folder = runsDir.replace(/[\\/]+$/, "") || runsDir;
  const info = await runtime.files.stat(folder).catch(() => undefined);
  if (!info?.isDirectory) throw new Error(`Cannot list ${folder}: there is no such folder`);
  return await RunIndex.open(folder, {
    ...(rebuild !== undefined && { rebuild }),
    onNotice: printError,
  });
}

/** Returns the folder of a run by its path, or by its name in the folder of the runs. */
async function folderOf(name: string, { runsDir }: Flags<"runs">): Promise<string> {
  const tried = [`${runsDir}/${name}`, name].map((path) => path.replace(/[\\/]+$/, ""));
  for (const path of tried) {
    const info = await runtime.files.stat(path).catch(() => undefined);
    if (info?.isDirectory) return path;
  }
  throw new Error(
    `Cannot find the run ${printable(name)}: there is no folder ${tried.join(" or ")}`,
  );
}

/** Returns the folder of the newest run that is under way. */
async function runningFolder(flags: Flags<"runs">): Promise<string> {
  using index = await openIndex(flags);
  const running = index.list().find(({ stage }) => stage === "running");
  if (running === undefined) {
    throw new Error(`Cannot follow a run of ${flags.runsDir}: none is under way; name one`);
  }
  return await folderOf(running.name, flags);
}

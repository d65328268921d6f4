import type { RunReport } from "../../../mod.ts";
import { connectCluster } from "../../../src/cluster/connect.ts";
import {
  DONE_STREAM,
  JOBS_STREAM,
  SESSIONS_BUCKET,
  VECTORS_STREAM,
} from "../../../src/cluster/names.ts";
import { LEASE_MILLIS } from "../../../src/cluster/provision.ts";
import { sweepSessions } from "../../../src/cluster/sweeps.ts";
import { NatsServer } from "../../helpers/nats_server.ts";
import { pause, Supervised } from "../supervised.ts";
import type { ClusterPlan, ClusterStep } from "./plan.ts";

/** Seconds that a disturbed run may take, for each of its troubles. */
const SECONDS_PER_STEP = 20;

/** Outcome of a plan. */
export interface ClusterOutcome {
  readonly report: RunReport;
  /** Digest of the same run on one machine, left alone. */
  readonly undisturbed: string;
  readonly done: number;
  readonly kills: { worker: number; server: number; coordinator: number };
  /** Number of messages and sessions that the run has left on the server. */
  readonly leftBehind: number;
}

/** Options of {@linkcode clusterChaos}. */
export interface ClusterChaosOptions {
  readonly plan: ClusterPlan;
  /** Folder for the runs. */
  readonly folder: string;
  readonly log: (line: string) => void;
}

/**
 * Runs a simulation on a cluster whose coordinator, workers and server are processes, kills and
 * holds them up meanwhile as the plan says, and runs the same on one machine, left alone. Each
 * process that is killed is started again; the coordinator goes on from its last checkpoint.
 */
export async function clusterChaos(
  { plan, folder, log }: ClusterChaosOptions,
): Promise<ClusterOutcome> {
  const { modelDigest: undisturbed } = await leftAlone(plan, folder);
  log(`left alone, ${plan.rounds} rounds give ${undisturbed}`);
  await using parts = new AsyncDisposableStack();
  const server = parts.use(await NatsServer.start());
  const run = `${folder}/run`;
  const workers = Array.from({ length: plan.workers }, (_, i) => {
    const name = `worker-${i + 1}`;
    const args = ["worker", "--cluster", server.url, "--threads", "1", "--machine-name", name];
    return supervised(parts, name, folder, () => [...args, "--cache-dir", `${folder}/${name}`]);
  });
  const coordinator = supervised(parts, "the coordinator", folder, async () => {
    const hasBegun = await hasCheckpoint(run);
    const how = hasBegun ? ["--resume", run] : ["--out", run, ...argumentsOf(plan)];
    return ["simulate", "--cluster", server.url, "--checkpoint-every", "1", ...how];
  });
  const kills = { worker: 0, server: 0, coordinator: 0 };
  let done = 0;
  const began = performance.now();
  const disturb = async () => {
    for (const step of plan.steps) {
      await pause(step.afterMillis);
      if (coordinator.isDone) return;
      log(`${((performance.now() - began) / 1000).toFixed(1)} s: ${stepText(step)}`);
      await perform(step, { server, coordinator, workers });
      if (step.trouble === "kill") kills[step.process]++;
      done++;
    }
  };
  while (!await hasCheckpoint(run) && !coordinator.isDone) {
    await Promise.race([pause(50), coordinator.ended]);
  }
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`the run does not end: ${coordinator.last}`)),
    SECONDS_PER_STEP * 1000 * (1 + plan.steps.length),
  );
  try {
    await Promise.race([Promise.all([coordinator.ended, disturb()]), late.promise]);
  } finally {
    clearTimeout(timer);
  }
  const report = await readReport(run);
  return { report, undisturbed, done, kills, leftBehind: await leftBehind(server.url) };
}

/** Faults of an outcome, a line each; none when all is well. */
export function clusterFaults(plan: ClusterPlan, outcome: ClusterOutcome): string[] {
  const { report, undisturbed, done, leftBehind } = outcome;
  const rounds = report.rounds.map(({ round }) => round);
  return [
    ...(done < plan.steps.length
      ? [`the run was over after ${done} of ${plan.steps.length} troubles`]
      : []),
    ...(rounds.length !== plan.rounds || rounds.some((round, i) => round !== i + 1)
      ? [`rounds are missing or stand twice: ${rounds}`]
      : []),
    ...(report.modelDigest === undisturbed
      ? []
      : [`the model is ${report.modelDigest}, left alone it is ${undisturbed}`]),
    ...(leftBehind === 0 ? [] : [`the server still has ${leftBehind} messages of the run`]),
  ];
}

function stepText({ trouble, process, worker, millis }: ClusterStep): string {
  return `${trouble} ${process}${process === "worker" ? ` ${worker + 1}` : ""} (${millis} ms)`;
}

interface Processes {
  readonly server: NatsServer;
  readonly coordinator: Supervised;
  readonly workers: readonly Supervised[];
}

async function perform(step: ClusterStep, processes: Processes): Promise<void> {
  const { trouble, process, worker, millis } = step;
  const { server, coordinator, workers } = processes;
  if (process === "server") {
    if (trouble === "stop") return await freeze(server, millis);
    await server.kill();
    await pause(millis);
    return await server.restart();
  }
  const one = process === "coordinator" ? coordinator : workers[worker];
  if (trouble === "kill") one?.kill();
  else await one?.freeze(millis);
}

async function freeze({ pid }: NatsServer, millis: number): Promise<void> {
  if (pid === undefined) return;
  Deno.kill(pid, "SIGSTOP");
  await pause(millis);
  Deno.kill(pid, "SIGCONT");
}

function supervised(
  parts: AsyncDisposableStack,
  name: string,
  folder: string,
  args: () => string[] | Promise<string[]>,
): Supervised {
  const process = new Supervised(name, { folder, args: async () => await args() });
  parts.defer(async () => {
    process.stop();
    await process.ended.catch(() => {});
  });
  return process;
}

function argumentsOf({ seed, strategy, aggregation, clients, rounds }: ClusterPlan): string[] {
  return [
    ...["--seed", `${seed}`, "--strategy", strategy, "--aggregation", aggregation],
    ...["--clients", `${clients}`, "--fraction", "0.5", "--rounds", `${rounds}`],
    ...["--model", "lr", "--partition", "dirichlet:0.5", "--evaluate-every", "10"],
  ];
}

async function leftAlone(plan: ClusterPlan, folder: string): Promise<RunReport> {
  const out = `${folder}/undisturbed`;
  const alone = new Supervised("the run that is left alone", {
    folder,
    args: () => Promise.resolve(["simulate", "--out", out, ...argumentsOf(plan)]),
  });
  await alone.ended;
  return await readReport(out);
}

async function readReport(folder: string): Promise<RunReport> {
  return JSON.parse(await Deno.readTextFile(`${folder}/report.json`));
}

async function hasCheckpoint(folder: string): Promise<boolean> {
  try {
    for await (const { name } of Deno.readDir(`${folder}/checkpoints`)) {
      if (/^round-\d+\.safetensors$/.test(name)) return true;
    }
  } catch { /* there is none yet */ }
  return false;
}

/** Counts what is still there once another session would have begun. */
async function leftBehind(url: string): Promise<number> {
  await using cluster = await connectCluster({ url });
  // Before that, the session of a coordinator that was killed passes for one under way.
  await pause(LEASE_MILLIS);
  await sweepSessions(cluster);
  let count = 0;
  for (const stream of [JOBS_STREAM, DONE_STREAM, VECTORS_STREAM]) {
    const { state } = await cluster.manager.streams.info(stream);
    count += state.messages + state.consumer_count;
  }
  for await (const _ of await (await cluster.buckets.open(SESSIONS_BUCKET)).keys()) count++;
  return count;
}

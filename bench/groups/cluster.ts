/**
 * Costs of a cluster, and a model of them that is compared with rounds of three sizes.
 *
 * @module
 */

import { natsProgram, NatsServer } from "../../tests/helpers/nats_server.ts";
import { startCommand } from "../../tests/helpers/command.ts";
import {
  type ClusterCosts,
  megabytesOf,
  type ProcessCost,
  type RoundCost,
  roundCost,
} from "../helpers/cluster_cost.ts";
import { withProcess } from "../helpers/process.ts";
import { type BenchOptions, type BenchResult, median, mostResult } from "../result.ts";

/** Workers, with a thread each. */
const WORKERS = 2;
const REPETITIONS = 3;

/** Most milliseconds of a processor for a job, and for a megabyte: 0.3 GB/s. */
const JOB_MILLIS = 1, MEGABYTE_MILLIS = 1000 / 300;

/** Size of a run: hidden units (0 for logistic regression), clients, cohort, rounds. */
interface Size {
  readonly name: string;
  readonly run: readonly [hidden: number, clients: number, cohort: number, rounds: number];
}

/** Jobs without bytes, few bytes with jobs between, and bytes with few jobs. */
const SMALL: Size = { name: "lr (2.6 kB), 400 clients", run: [0, 1000, 400, 22] };
const MIDDLE: Size = { name: "mlp of 600 kB, 100 clients", run: [2000, 200, 100, 8] };
const LARGE: Size = { name: "mlp of 6.6 MB, 20 clients", run: [22_000, 40, 20, 6] };

/** Rounds of one size: milliseconds, of which those of processors are for each round. */
interface ClusterRun {
  readonly roundMillis: readonly number[];
  readonly coordinator: number;
  readonly server: number;
  readonly workers: number;
  readonly modelBytes: number;
  readonly megabytes: number;
}

/** Sizes whose rounds are predicted: the load, and what a machine's links move in a second. */
const PREDICTED = {
  machines: 100,
  threads: 800,
  modelMegabytes: 100,
  /** Ten seconds for a client's training. */
  trainMillis: 10_000,
  /** 25 Gbit/s. */
  linkMegabytes: 3000,
};

/**
 * Measures rounds of three sizes on a NATS server and two workers beside the pool of one machine,
 * fits the costs of a job and of a megabyte to the smallest and the largest size, and compares what
 * they predict with all three. Needs nats-server and Linux.
 */
export async function clusterBench({ signal }: BenchOptions): Promise<BenchResult[]> {
  if (natsProgram === undefined) throw new Error("Cannot measure a cluster without nats-server");
  await using parts = new AsyncDisposableStack();
  const server = parts.use(await NatsServer.start());
  const folder = await Deno.makeTempDir();
  parts.defer(() => Deno.remove(folder, { recursive: true }));
  const workers = Array.from({ length: WORKERS }, (_, i) =>
    startCommand("worker", [
      ...["--cluster", server.url, "--threads", "1", "--cache-dir", `${folder}/${i}`],
    ], folder));
  parts.defer(async () => {
    for (const worker of workers) worker.kill();
    await Promise.all(workers.map(({ outcome }) => outcome));
  });
  await Promise.all(workers.map((worker) => worker.said(/Waiting for runs/)));
  const run = async (url: string, size: Size): Promise<ClusterRun> => {
    const module = new URL("../processes/cluster_run.ts", import.meta.url);
    const pids = [server.pid ?? 0, ...workers.map(({ process }) => process.pid)];
    const output = await withProcess(
      module,
      [url, ...size.run, ...pids],
      { signal },
      ({ output }) => output,
    );
    return JSON.parse(output);
  };
  const sizes = [SMALL, MIDDLE, LARGE];
  const alone: ClusterRun[][] = sizes.map(() => []), together: ClusterRun[][] = sizes.map(() => []);
  for (let i = 0; i < REPETITIONS; i++) {
    for (const [at, size] of sizes.entries()) {
      alone[at]?.push(await run("none", size));
      together[at]?.push(await run(server.url, size));
    }
  }
  const measured = sizes.map((size, at) => measuredOf(size, alone[at] ?? [], together[at] ?? []));
  const costs = fitted(measured);
  return [
    ...measured.flatMap((one) => [beside(one), predictionOf(costs, one)]),
    ...costRows(costs),
    ...[1000, 100].map((cohort) =>
      predictedRow(roundCost(costs, { ...PREDICTED, cohort }), cohort)
    ),
  ];
}

/** Run with the least processor time of its repetitions, which other work only adds to. */
interface Measured {
  readonly size: Size;
  readonly alone: ClusterRun;
  readonly cluster: ClusterRun;
  /** Processor time of the training of a client, in milliseconds. */
  readonly trainMillis: number;
}

function measuredOf(
  size: Size,
  alone: readonly ClusterRun[],
  together: readonly ClusterRun[],
): Measured {
  const least = (runs: readonly ClusterRun[]) => {
    const of = (get: (run: ClusterRun) => number) => Math.min(...runs.map(get));
    return {
      roundMillis: runs.flatMap(({ roundMillis }) => roundMillis),
      coordinator: of((run) => run.coordinator),
      server: of((run) => run.server),
      workers: of((run) => run.workers),
      modelBytes: of((run) => run.modelBytes),
      megabytes: of((run) => run.megabytes),
    };
  };
  const one = least(alone), cluster = least(together);
  return { size, alone: one, cluster, trainMillis: one.coordinator / size.run[2] };
}

/** Fits the costs of a job to the smallest size, and those of a megabyte to the largest. */
function fitted(measured: readonly Measured[]): ClusterCosts {
  const [small, , large] = measured;
  if (small === undefined || large === undefined) throw new Error("expected three sizes");
  const fit = (
    part: "coordinator" | "server" | "workers",
    training: (run: Measured) => number = () => 0,
  ): ProcessCost => {
    const cost = (run: Measured) => Math.max(0, run.cluster[part] - training(run));
    const perJob = cost(small) / small.size.run[2];
    const rest = cost(large) - perJob * large.size.run[2];
    return { perJob, perMegabyte: Math.max(0, rest) / megabytesOf(loadOf(large))[part] };
  };
  return {
    coordinator: fit("coordinator"),
    server: fit("server"),
    worker: fit("workers", ({ trainMillis, size }) => trainMillis * size.run[2]),
    fixedMillis: 0,
  };
}

function loadOf({ size, cluster, trainMillis }: Measured) {
  return {
    ...{ machines: WORKERS, threads: WORKERS, cohort: size.run[2], trainMillis },
    ...{ modelMegabytes: cluster.modelBytes / 1e6, linkMegabytes: Infinity },
  };
}

/** Round of a cluster beside that of a pool of as many threads. */
function beside({ size, alone, cluster }: Measured): BenchResult {
  const [value, ceiling] = [cluster, alone].map(({ roundMillis }) => median(roundMillis));
  return row(
    `round of ${size.name}; pool`,
    "ms",
    value ?? NaN,
    ceiling ?? NaN,
    cluster.roundMillis,
  );
}

/** Processor time of a round beside the one that the costs predict. */
function predictionOf(costs: ClusterCosts, measured: Measured): BenchResult {
  const { size, cluster } = measured;
  const total = cluster.coordinator + cluster.server + cluster.workers;
  const { total: predicted } = roundCost(costs, loadOf(measured));
  return row(`processors, ${size.name}; predicted`, "ms", total, predicted, [total]);
}

function costRows({ coordinator, server, worker }: ClusterCosts): BenchResult[] {
  return Object.entries({ coordinator, server, worker }).flatMap(([name, cost]) => [
    mostResult(`processor of ${name}, each job`, [cost.perJob], { unit: "ms", most: JOB_MILLIS }),
    mostResult(`processor of ${name}, each MB`, [cost.perMegabyte], {
      unit: "ms",
      most: MEGABYTE_MILLIS,
    }),
  ]);
}

function predictedRow(cost: RoundCost, cohort: number): BenchResult {
  const seconds = cost.round / 1000, link = cost.link / 1000;
  const parts = (["coordinator", "server", "workers", "link"] as const)
    .map((part) => `${part} ${(cost[part] / 1000).toFixed(0)} s`).join(", ");
  return row(`100 machines, 100 MB, ${cohort} a round (${parts}); link alone`, "s", seconds, link, [
    seconds,
  ]);
}

function row(
  name: string,
  unit: string,
  value: number,
  ceiling: number,
  all: readonly number[],
): BenchResult {
  const ratio = ceiling / value;
  return {
    name,
    unit,
    value,
    ceiling,
    ratio,
    min: Math.min(...all),
    median: median(all),
    target: undefined,
  };
}

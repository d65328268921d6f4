/**
 * Trains on a cluster and prints times of rounds and processor times of all processes as JSON.
 *
 *     deno run -A bench/processes/cluster_run.ts URL HIDDEN CLIENTS COHORT ROUNDS SERVER WORKER...
 *
 * HIDDEN is the number of hidden units, 0 for logistic regression; URL is `none` for a pool of two
 * workers. SERVER and WORKER are the ids of processes.
 */
import { clusterPool } from "../../src/cluster/mod.ts";
import {
  digits,
  initialParameters,
  logisticRegression,
  mlp,
  partitionIid,
  Simulation,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { millisOfProcess } from "../helpers/other_process.ts";
import { processorMillis } from "../helpers/processor_time.ts";

/** Rounds in which code is still compiled. */
const WARM_UP = 2;

const [url = "", ...rest] = Deno.args;
const [hidden = 0, clients = 0, cohort = 0, rounds = 0, server = 0, ...workers] = rest.map(Number);
const data = await digits();
const shape = { inputShape: data.shape, numClasses: data.numClasses };
const model = hidden === 0 ? logisticRegression(shape) : mlp({ ...shape, hiddenUnits: hidden });
const handler = new SyncParameterServerHandler({
  ...{ model, seed: 1, fraction: cohort / clients, plan: { learningRate: 0.01, batchSize: 60 } },
  ...await initialParameters(model, 1),
});
const parts = partitionIid(data, clients, { seed: 1 });
const roundMillis: number[] = [];
const processors = () => ({
  coordinator: processorMillis(),
  server: server === 0 ? 0 : millisOfProcess(server),
  workers: workers.reduce((sum, pid) => sum + millisOfProcess(pid), 0),
});
let before = processors();
const simulation = new Simulation(handler, {
  ...{ train: data, parts, rounds, evaluateClients: false },
  ...(url === "none" ? { workers: 2 } : { pool: clusterPool({ url }) }),
  onEvent(event) {
    if (event.type !== "round-ended") return;
    if (event.report.round === WARM_UP) before = processors();
    if (event.report.round > WARM_UP) roundMillis.push(event.report.seconds * 1000);
  },
});
await simulation.run();
const after = processors(), counted = rounds - WARM_UP;
console.log(JSON.stringify({
  roundMillis,
  coordinator: (after.coordinator - before.coordinator) / counted,
  server: (after.server - before.server) / counted,
  workers: (after.workers - before.workers) / counted,
  modelBytes: handler.manifest.byteLength,
  megabytes: Deno.memoryUsage().rss / 1e6,
}));

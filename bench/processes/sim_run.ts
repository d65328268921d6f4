/**
 * Runs one simulation on MNIST and prints its figures as JSON.
 *
 *     deno run -A bench/processes/sim_run.ts lr 1000 10 0.03 100 10 2 1
 *
 * The arguments are the model, clients, clients per round, learning rate, rounds, rounds between
 * evaluations, threads (0 for the number of cores), and the seed.
 */

import { loadDataset } from "../../src/data/catalog/load.ts";
import { partition } from "../../src/data/partition/partition.ts";
import { SyncParameterServerHandler } from "../../src/round/handler/sync_handler.ts";
import { Simulation } from "../../src/sim/simulation.ts";
import { modelByName } from "../../src/train/models/models.ts";
import { initialParameters } from "../../src/engine/model_evaluator.ts";

const [name = "lr", ...numbers] = Deno.args;
const [clients = 1, cohort = 1, learningRate = 0.1, rounds = 1, evaluateEvery = 1, threads = 0] =
  numbers.map(Number);
const seed = Number(numbers.at(-1));
const loaded = await loadDataset("mnist", {
  dataDir: Deno.env.get("FEDLAB_DATA") ?? "../shared/data",
});
const train = loaded.train.share(), test = loaded.test?.share();
const model = modelByName(name, { inputShape: train.shape, numClasses: train.numClasses });
const start = performance.now();
const handler = new SyncParameterServerHandler({
  ...await initialParameters(model, seed),
  model,
  plan: { learningRate },
  fraction: cohort / clients,
  seed,
});
const report = await new Simulation(handler, {
  train,
  ...(test && { test }),
  parts: partition("iid", train, { parts: clients, seed }),
  rounds,
  evaluateEvery,
  ...(threads > 0 && { workers: threads }),
}).run();
const [, kilobytes = "0"] =
  /VmHWM:\s*(\d+) kB/.exec(await Deno.readTextFile("/proc/self/status")) ??
    [];
console.log(JSON.stringify({
  seconds: (performance.now() - start) / 1000,
  accuracy: report.final?.accuracy,
  roundMillis: report.rounds.slice(1).map(({ seconds }) => seconds * 1000),
  peakMegabytes: Number(kilobytes) / 1000,
}));

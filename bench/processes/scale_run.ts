/**
 * Runs one simulation of logistic regression and prints its figures as JSON.
 *
 *     deno run -A bench/processes/scale_run.ts synthetic:rows=2e6,features=8,classes=2 1000000 100 20 0
 *
 * The arguments are the data set, clients, clients per round, rounds, the seed and, where all
 * clients evaluate the model, `clients`. It is evaluated after the last round alone.
 */

import { loadDataset } from "../../src/data/catalog/load.ts";
import { partition } from "../../src/data/partition/partition.ts";
import { initialParameters } from "../../src/engine/model_evaluator.ts";
import { SyncParameterServerHandler } from "../../src/round/handler/sync_handler.ts";
import { Simulation } from "../../src/sim/simulation.ts";
import { ProcessorTime } from "../helpers/processor_time.ts";
import { modelByName } from "../../src/train/models/models.ts";

/** Figures of a simulation. */
export interface ScaleRun {
  /** Seconds until the first round, after the data were loaded. */
  readonly setUpSeconds: number;
  /** Times of the rounds but for the first and the last, which is evaluated. */
  readonly roundMillis: readonly number[];
  /** Mean processor time of those rounds, of all workers. */
  readonly processorMillis: number;
  readonly peakMegabytes: number;
}

if (import.meta.main) {
  const [name = "", ...others] = Deno.args;
  const [clients = 1, cohort = 1, rounds = 3, seed = 0] = others.map(Number);
  const evaluateClients = others[4] === "clients";
  const loaded = await loadDataset(name, {
    dataDir: Deno.env.get("FEDLAB_DATA") ?? "../shared/data",
  });
  const train = loaded.train.share();
  const began = performance.now();
  let setUpSeconds = 0;
  const processor = new ProcessorTime();
  const model = modelByName("lr", { inputShape: train.shape, numClasses: train.numClasses });
  const handler = new SyncParameterServerHandler({
    ...await initialParameters(model, seed),
    model,
    plan: { learningRate: 0.03 },
    fraction: cohort / clients,
    seed,
  });
  const report = await new Simulation(handler, {
    train,
    // One job, whatever the number of clients.
    ...!evaluateClients && {
      test: train.select(Uint32Array.from({ length: Math.min(1000, train.length) }, (_, i) => i)),
    },
    evaluateClients,
    parts: partition("iid", train, { parts: clients, seed }),
    rounds,
    evaluateEvery: rounds,
    onEvent: (event) => {
      processor.onEvent(event);
      if (event.type === "round-started") setUpSeconds ||= (performance.now() - began) / 1000;
    },
  }).run();
  const status = await Deno.readTextFile("/proc/self/status");
  const [, kilobytes = "0"] = /VmHWM:\s*(\d+) kB/.exec(status) ?? [];
  const figures: ScaleRun = {
    setUpSeconds,
    roundMillis: report.rounds.slice(1, -1).map(({ seconds }) => seconds * 1000),
    processorMillis: processor.mean(1, -1),
    peakMegabytes: Number(kilobytes) / 1000,
  };
  console.log(JSON.stringify(figures));
}

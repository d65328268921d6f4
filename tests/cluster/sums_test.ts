import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { clusterPool } from "../../src/cluster/mod.ts";
import {
  digits,
  FedAvg,
  initialParameters,
  logisticRegression,
  parsePartition,
  Simulation,
  type SimulationOptions,
  SyncParameterServerHandler,
  type SyncParameterServerHandlerOptions,
} from "../../mod.ts";
import { InProcessPool, type StartClientPool } from "../../src/sim/mod.ts";
import { parseStrategy } from "../../src/strategy/mod.ts";
import { Machines } from "../helpers/machines.ts";
import { testWithNats } from "../helpers/test_with_nats.ts";

/** Enough for blocks whose sum is shorter than their updates. */
const CLIENTS = 64;
/** One strategy for each way in which updates count, or clients keep vectors. */
const STRATEGIES = [
  ...["fedavg", "fedadam", "fedsgd", "scaffold", "feddyn", "ditto"],
  ...["fednova:momentum=0", "qfedavg:q=0.3", "norm-clipping:bound=0.1"],
];

const data = await digits();
const shape = { inputShape: data.shape, numClasses: data.numClasses };
const model = logisticRegression(shape);
const partition = parsePartition("dirichlet:1");

/** Trains for two rounds, and returns the report without its times. */
async function trained(
  handler: Partial<SyncParameterServerHandlerOptions>,
  pool: StartClientPool,
  options: Partial<SimulationOptions> = {},
) {
  const made = new SyncParameterServerHandler({
    ...{ model, seed: 1, fraction: 1, aggregation: "exact" as const },
    ...await initialParameters(model, 1),
    ...handler,
  });
  const parts = partition.deal(data, { parts: CLIENTS, seed: 1 }), events: unknown[] = [];
  const report = await new Simulation(made, {
    ...{ train: data, parts, rounds: 2, pool, evaluateEvery: 2 },
    onEvent: (event) => {
      if (event.type === "update-received" || event.type === "update-refused") events.push(event);
    },
    ...options,
  }).run().catch((error: Error) => error);
  if (report instanceof Error) return { failure: report.message, events };
  const rounds = report.rounds.map(({ seconds: _, ...round }) => round);
  return { digest: report.modelDigest, rounds, final: report.final, events };
}

/** Starts a pool of a cluster and counts the outcomes of each kind. */
function counting(url: string): { readonly pool: StartClientPool; readonly kinds: string[] } {
  const kinds: string[] = [], start = clusterPool({ url });
  return {
    kinds,
    pool: async (options) => {
      const pool = await start(options);
      return {
        publish: (input) => pool.publish(input),
        run: (jobs, { take, ...options }) =>
          pool.run(jobs, {
            ...options,
            take: (job, outcome) => {
              if (job.kind === "train") kinds.push(outcome.kind);
              take(job, outcome);
            },
          }),
        [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
      };
    },
  };
}

testWithNats(
  "machines add the updates of a block up, to the model of exact sums",
  async (server) => {
    await using _machines = new Machines(server.url, 2);
    for (const name of STRATEGIES) {
      const made = () => parseStrategy(name);
      const plan = name.startsWith("fedsgd") ? { batchSize: 0 } : { epochs: 1 };
      const alone = await trained({ strategy: made(), plan }, InProcessPool.start);
      const { pool, kinds } = counting(server.url);
      assertEquals(await trained({ strategy: made(), plan }, pool), alone, name);
      assert(kinds.includes("summed"), `${name} has no sum of a block`);
    }
  },
);

testWithNats("updates that a server refuses are in no sum of a block", async ({ url }) => {
  await using _machines = new Machines(url, 2);
  // Some clients' values leave the range of float32, others' that of exact sums.
  for (const learningRate of [1e13, 1e38]) {
    const plan = { learningRate, epochs: 2, batchSize: 10 };
    const alone = await trained({ plan }, InProcessPool.start, { rounds: 1 });
    const { pool } = counting(url);
    assertEquals(await trained({ plan }, pool, { rounds: 1 }), alone);
  }
});

testWithNats(
  "a strategy of another kind, or a changed one, is given each update",
  async ({ url }) => {
    class Halved extends FedAvg {
      override sumRound(): ReturnType<FedAvg["sumRound"]> {
        const { finish } = super.sumRound();
        return {
          finish,
          contribution: ({ parameters, numSamples }) => ({
            terms: { mean: { vector: parameters, weight: Math.ceil(numSamples / 2) } },
          }),
        };
      }
    }
    await using _machines = new Machines(url, 2);
    const alone = await trained({ strategy: new Halved() }, InProcessPool.start);
    const { pool, kinds } = counting(url);
    assertEquals(await trained({ strategy: new Halved() }, pool), alone);
    assertEquals(new Set(kinds), new Set(["trained"]));
  },
);

import { assertEquals } from "jsr:@std/assert@1.0.19";
import { ClusterPool } from "../../src/cluster/cluster_pool.ts";
import { clusterPool } from "../../src/cluster/mod.ts";
import type { StartClientPool } from "../../src/sim/client_pool.ts";
import {
  cnn,
  digits,
  initialParameters,
  logisticRegression,
  parsePartition,
  Simulation,
  type SimulationOptions,
  SyncParameterServerHandler,
  type SyncParameterServerHandlerOptions,
} from "../../mod.ts";
import { parseCodec } from "../../src/codec/mod.ts";
import { InProcessPool } from "../../src/sim/mod.ts";
import { parseStrategy, STRATEGY_NAMES } from "../../src/strategy/mod.ts";
import { Machines } from "../helpers/machines.ts";
import { testWithNats } from "../helpers/test_with_nats.ts";

const CLIENTS = 12;
/** Options of the strategies that need some. */
const NEEDED: Readonly<Record<string, string>> = {
  fedper: "fedper:local=logits",
  "norm-clipping": "norm-clipping:bound=0.1",
};

const data = await digits();
const shape = { inputShape: data.shape, numClasses: data.numClasses };
const partition = parsePartition("dirichlet:1");

/** Trains for some rounds and returns the report, without its times. */
async function trained(
  handler: Partial<SyncParameterServerHandlerOptions>,
  options: Partial<SimulationOptions> = {},
  model = logisticRegression(shape),
) {
  const made = new SyncParameterServerHandler({
    ...{ model, seed: 1, fraction: 1 },
    ...await initialParameters(model, 1),
    ...handler,
  });
  const parts = partition.deal(data, { parts: CLIENTS, seed: 1 });
  const report = await new Simulation(made, {
    ...{
      train: data,
      test: data,
      parts,
      rounds: 3,
      pool: InProcessPool.start,
      evaluateClients: true,
    },
    ...options,
  }).run();
  return {
    digest: report.modelDigest,
    rounds: report.rounds.map(({ seconds: _, ...round }) => round),
    final: report.final,
  };
}

testWithNats("a cluster's run of each strategy is that of a simulation", async ({ url }) => {
  await using _machines = new Machines(url, 2);
  const pools: ClusterPool[] = [];
  const pool: StartClientPool = async (options) => {
    const started = await ClusterPool.start({ url }, options);
    pools.push(started);
    return started;
  };
  for (const name of STRATEGY_NAMES) {
    const strategy = () => parseStrategy(NEEDED[name] ?? name);
    const plan = name.startsWith("fedsgd") ? { batchSize: 0 } : {};
    const alone = await trained({ strategy: strategy(), plan });
    assertEquals(await trained({ strategy: strategy(), plan }, { pool }), alone, name);
  }
  // What honest machines say is used at once.
  assertEquals(pools.map(({ refused, doubted }) => refused + doubted), STRATEGY_NAMES.map(() => 0));
});

testWithNats(
  "a cluster's run is a simulation's with each way of aggregation, codecs and kernels",
  async ({ url }) => {
    await using _machines = new Machines(url, 2);
    const pool = clusterPool({ url });
    const cases: Partial<SyncParameterServerHandlerOptions>[] = [
      { aggregation: "exact", fraction: 0.5 },
      { uplink: parseCodec("int8"), downlink: parseCodec("int8") },
      { plan: { epochs: 2, momentum: 0.5, batchSize: 20 }, fraction: 0.25 },
    ];
    for (const handler of cases) {
      assertEquals(await trained(handler, { pool }), await trained(handler));
    }
  },
);

testWithNats("a cluster's clients evaluate, and train a convolutional model", async ({ url }) => {
  await using _machines = new Machines(url, 2);
  const pool = clusterPool({ url }), model = cnn(shape);
  const options: Partial<SimulationOptions> = { rounds: 1, evaluateEvery: 1 };
  const handler = { fraction: 0.25 };
  assertEquals(
    await trained(handler, { ...options, pool }, model),
    await trained(handler, options, model),
  );
});

testWithNats("a cluster's run is that of a simulation on 16 machines too", async ({ url }) => {
  await using _machines = new Machines(url, 16);
  const strategy = () => parseStrategy("scaffold"), options = { evaluateClients: false };
  const alone = await trained({ strategy: strategy() }, options);
  const together = await trained({ strategy: strategy() }, {
    ...options,
    pool: clusterPool({ url }),
  });
  assertEquals(together, alone);
});

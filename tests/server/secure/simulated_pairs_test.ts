/** Servers with secure aggregation and simulations of the same runs: one model. */
import { assertEquals } from "jsr:@std/assert@1.0.19";
import {
  digits,
  initialParameters,
  mlp,
  NativeSGDHandler,
  parseStrategy,
  partition,
  Simulation,
  SyncParameterServerHandler,
} from "../../../mod.ts";
import { InProcessPool } from "../../../src/sim/mod.ts";
import { runSecure } from "./secure_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const CLIENTS = 6, ROUNDS = 2, SEED = 3;

const all = await digits();
const train = all.select(Array.from({ length: 300 }, (_, i) => i));
const parts = [...partition("dirichlet:1", train, { parts: CLIENTS, seed: SEED })];
const model = mlp({ inputShape: train.shape, numClasses: train.numClasses, hiddenUnits: 8 });

async function handlerOf(strategy: string): Promise<SyncParameterServerHandler> {
  return new SyncParameterServerHandler({
    ...await initialParameters(model, SEED),
    model,
    strategy: parseStrategy(strategy),
    plan: { epochs: 1, batchSize: 16, learningRate: 0.05 },
    seed: SEED,
    fraction: 0.9,
    secureAggregation: { minMembers: 3, maxMembers: CLIENTS, maxSamples: 200, clip: 1 },
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 1 }),
  });
}

for (const strategy of ["fedavg", "fedadam", "fedsgd", "fedper:local=logits"]) {
  Deno.test(`a secure run of ${strategy} has the model of its simulation`, async () => {
    const { model, errors, report } = await runSecure({
      clients: CLIENTS,
      rounds: ROUNDS,
      handler: await handlerOf(strategy),
      handlerOf: (rank) =>
        new NativeSGDHandler({ data: train, rows: parts[rank - 1] ?? new Uint32Array() }),
    });
    assertEquals([...errors], []);
    assertEquals(report.rounds.map(({ received }) => received), [5, 5]);
    const simulated = await handlerOf(strategy);
    const options = { train, test: train, parts, rounds: ROUNDS, pool: InProcessPool.start };
    const { modelDigest, rounds } = await new Simulation(simulated, options).run();
    assertEquals(report.modelDigest, modelDigest);
    assertEquals(model, simulated.parameters);
    assertEquals(
      report.rounds.map(({ trainLoss }) => trainLoss),
      rounds.map(({ trainLoss }) => trainLoss),
    );
  });
}

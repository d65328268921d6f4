import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "jsr:@std/assert@1.0.19";
import {
  digits,
  initialParameters,
  mlp,
  NativeSGDHandler,
  parseStrategy,
  partition,
  type RunReport,
  Simulation,
  SyncParameterServerHandler,
} from "../../mod.ts";
import type { LearningRateSchedule } from "../../src/plan/mod.ts";
import { runAsync } from "../helpers/async_run.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { runSync } from "../helpers/sync_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ROUNDS = 4;
const train = (await digits()).select(Array.from({ length: 300 }, (_, i) => i));
const model = mlp({ inputShape: train.shape, numClasses: 10, hiddenUnits: 8 });
const parts = [...partition("iid", train, { parts: 2, seed: 1 })];
const initial = await initialParameters(model, 1);

function handlerOf(strategy: string, schedule?: LearningRateSchedule): SyncParameterServerHandler {
  return new SyncParameterServerHandler({
    ...initial,
    model,
    strategy: parseStrategy(strategy),
    ...(schedule && { schedule }),
  });
}

async function simulate(handler: SyncParameterServerHandler): Promise<RunReport> {
  return await new Simulation(handler, { train, test: train, parts, rounds: ROUNDS, workers: 1 })
    .run();
}

async function federate(
  handler: SyncParameterServerHandler,
  distBackend: "tcp" | "memory" = "memory",
): Promise<RunReport> {
  const clients = parts.map((rows) => new NativeSGDHandler({ data: train, rows }));
  return await runSync(handler, { clients, rounds: ROUNDS, distBackend });
}

Deno.test("a schedule gives the same model over the wire and in simulation, and another than a constant rate", async () => {
  const schedules: LearningRateSchedule[] = [
    { name: "exponential", decay: 0.5 },
    { name: "cosine", rounds: ROUNDS, warmup: 1 },
    { name: "step", decay: 0.1, every: 2 },
    { name: "constant", warmup: 2 },
  ];
  const { modelDigest: constant } = await simulate(handlerOf("fedavg"));
  for (const schedule of schedules) {
    const simulated = await simulate(handlerOf("fedavg", schedule));
    const real = await federate(handlerOf("fedavg", schedule));
    assertEquals(real.modelDigest, simulated.modelDigest, schedule.name);
    assertNotEquals(real.modelDigest, constant, schedule.name);
    assertEquals(real.schedule, schedule);
    const rates = [simulated, real].map(({ rounds }) =>
      rounds.map(({ learningRate }) => learningRate)
    );
    assertEquals(rates[0], rates[1]);
    assert(rates[0]?.every((rate = NaN) => rate > 0 && rate <= 0.1));
  }
  const report = await federate(handlerOf("fedavg", schedules[0]), "tcp");
  assertEquals(report.modelDigest, (await simulate(handlerOf("fedavg", schedules[0]))).modelDigest);
});

Deno.test("strategies that compute with the learning rate use that of the round", async () => {
  const schedule = { name: "exponential", decay: 0.5 } as const;
  for (const strategy of ["scaffold", "fedadam", "fedprox:mu=0.1", "qfedavg", "fedsgd"]) {
    const simulated = await simulate(handlerOf(strategy, schedule));
    const real = await federate(handlerOf(strategy, schedule));
    assertEquals(real.modelDigest, simulated.modelDigest, strategy);
    assertNotEquals(real.modelDigest, (await simulate(handlerOf(strategy))).modelDigest, strategy);
  }
});

Deno.test("FedSGD with a schedule takes the steps of gradient descent at the scheduled rates", async () => {
  const schedule = { name: "exponential", decay: 0.5 } as const;
  const scheduled = await simulate(handlerOf("fedsgd", schedule));
  const handler = handlerOf("fedsgd");
  const reference = new NativeSGDHandler({ data: train });
  await reference.setUp(model);
  const parameters = handler.parameters.slice();
  for (let round = 1; round <= ROUNDS; round++) {
    reference.parameters = parameters;
    const { gradient } = await reference.gradient({ ...handler.plan, round, rank: 1, seed: 0 });
    gradient.forEach((g, i) => parameters[i] = (parameters[i] ?? 0) - 0.1 * 0.5 ** (round - 1) * g);
  }
  reference.parameters = parameters;
  const { loss } = await reference.evaluate();
  assertAlmostEquals(scheduled.final?.loss ?? NaN, loss, 1e-4);
  await reference[Symbol.asyncDispose]();
});

Deno.test("an own planFor() is obeyed over the wire as in simulation, whatever it changes", async () => {
  const changing = () => {
    const handler = handlerOf("fedavg");
    handler.planFor = (round) => ({ ...handler.plan, epochs: round, learningRate: 0.1 / round });
    return handler;
  };
  const { modelDigest } = await simulate(changing());
  assertEquals((await federate(changing())).modelDigest, modelDigest);
  assertNotEquals((await simulate(handlerOf("fedavg"))).modelDigest, modelDigest);
});

Deno.test("an asynchronous task has the rate of the version that it may make", async () => {
  const manifest = vectorManifest(2);
  const client = new FakeHandler(manifest);
  const schedule = { name: "exponential", decay: 0.5 } as const;
  const plan = { learningRate: 1 };
  const { report } = await runAsync({
    manifest,
    clients: [client],
    versions: 5,
    handler: { schedule, plan },
  });
  assertEquals(client.plans.map(({ learningRate }) => learningRate), [1, 0.5, 0.25, 0.125, 0.0625]);
  assertEquals(report.rounds.map(({ learningRate }) => learningRate), [
    1,
    0.5,
    0.25,
    0.125,
    0.0625,
  ]);
});

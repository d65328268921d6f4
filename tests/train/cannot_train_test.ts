import { assert, assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  CannotTrainError,
  type ClientEvent,
  ClientSyncTop,
  DeadlineError,
  DEFAULT_PLAN,
  digits,
  FedDyn,
  type LocalRule,
  mlp,
  NativeSGDHandler,
  type RunReport,
  RunStoppedError,
  Scaffold,
  type ServerEvent,
  ServerSyncTop,
  silentLogger,
  type Strategy,
  SyncParameterServerHandler,
  type TrainPlan,
} from "../../mod.ts";
import { LocalLearner } from "../../src/train/mod.ts";
import { initialParameters } from "../../mod.ts";
import { runAsync } from "../helpers/async_run.ts";
import { FakeHandler, type FakeOptions, vectorManifest } from "../helpers/fake_handler.ts";
import { planOf } from "../../src/testing/handler/plan.ts";
import { Peer } from "../helpers/peer.ts";
import { Proxy } from "../helpers/proxy.ts";
import { runSync } from "../helpers/sync_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(3);

/** Runs two fake clients over TCP, the second one with the given step. */
async function federate(second: FakeOptions["step"], strategy?: Strategy): Promise<{
  report: RunReport;
  parameters: number[];
  events: ServerEvent[];
  told: ClientEvent[];
}> {
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
    ...(strategy && { strategy }),
  });
  const events: ServerEvent[] = [], told: ClientEvent[] = [];
  const report = await runSync(handler, {
    clients: [{}, second ? { step: second } : {}].map((options) =>
      new FakeHandler(MANIFEST, options)
    ),
    rounds: 4,
    distBackend: "tcp",
    client: () => ({ onEvent: (event) => told.push(event) }),
    onEvent: (event) => events.push(event),
  });
  return { report, parameters: [...handler.parameters], events, told };
}

Deno.test("a client that cannot train for a round says so, stays, and is in the next cohort", async () => {
  const message = "Training diverged: the loss is NaN";
  const { report, parameters, events, told } = await federate((vector, { round }) => {
    if (round === 2 || round === 3) throw new CannotTrainError(message);
    vector.forEach((x, i) => vector[i] = x + 3);
  });
  assertEquals(parameters, [6, 6, 6]);
  assertEquals(
    report.rounds.map(({ cohort, received, dropped, refused, tries }) =>
      [cohort.length, received, dropped, refused, tries].join()
    ),
    ["2,2,0,0,1", "2,1,0,1,1", "2,1,0,1,1", "2,2,0,0,1"],
  );
  const losses = report.rounds.map(({ losses }) => losses);
  assertEquals(losses, [[], [{ rank: 2, reason: message }], [{ rank: 2, reason: message }], []]);
  assertEquals(
    events.filter(({ type }) => type === "update-refused"),
    [2, 3].map((round): ServerEvent => ({
      type: "update-refused",
      rank: 2,
      fault: "cannot-train",
      message,
      round,
    })),
  );
  assertEquals(events.filter(({ type }) => /^client-(away|lost)$/.test(type)), []);
  assertEquals(
    told.filter(({ type }) => type === "cannot-train"),
    [2, 3].map((round) => ({ type: "cannot-train" as const, round, reason: message })),
  );
});

Deno.test("a client whose training fails for another reason leaves", async () => {
  await assertRejects(
    () =>
      federate(() => {
        throw new Error("no memory");
      }),
    Error,
    "no memory",
  );
});

Deno.test("no client leaves a run whose parameters have become too large to train on", async () => {
  const data = await digits();
  const model = mlp({ inputShape: data.shape, numClasses: data.numClasses, hiddenUnits: 8 });
  const initial = await initialParameters(model, 1);
  const rounds: number[] = [];
  /** Strategy whose parameters overflow in training in round 2 only. */
  const strategy: Strategy = {
    name: "own",
    workingVectors: 0,
    begin: (_, { round } = { round: 0, numClients: 0, plan: DEFAULT_PLAN }) => ({
      accept() {},
      finish: () => {
        rounds.push(round);
        return round === 2 ? initial.parameters.map((x) => x * 1e37) : initial.parameters;
      },
    }),
  };
  const handler = new SyncParameterServerHandler({
    ...initial,
    model,
    strategy,
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
  });
  let clients: Promise<void>[] = [];
  const server = new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: 4,
    rounds: 4,
    roundTries: 2,
    logger: silentLogger,
    onEvent: (event) => {
      if (event.type !== "listening") return;
      clients = [0, 1, 2].map((i) =>
        new ClientSyncTop(new NativeSGDHandler({ data, rows: Uint32Array.of(i, i + 3) }), {
          serverAddr: event.address,
          logger: silentLogger,
        }).run()
      );
      for (const client of clients) client.catch(() => {});
    },
  });
  const { message } = await assertRejects(() => server.run(), DeadlineError);
  assertMatch(message, /^Round 3 has 0 of 3 .* after 2 tries: rank 1: Cannot train on these param/);
  assertEquals(rounds, [1, 2]);
  // The server tells each client of the end, and none fails by itself.
  for (const client of clients) await assertRejects(() => client, RunStoppedError);
});

Deno.test("a client that could not train while it was away reports it when it rejoins", async () => {
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
  });
  let client: Promise<void> = Promise.resolve(), proxy: Proxy | undefined;
  const away = Promise.withResolvers<void>();
  const fake = new FakeHandler(MANIFEST, {
    step: async (_, { round }) => {
      if (round !== 2) return;
      proxy?.cut();
      await away.promise;
      throw new CannotTrainError("too large");
    },
  });
  const server = new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: 2,
    rounds: 2,
    roundTries: 1,
    logger: silentLogger,
    onEvent: (event) => {
      if (event.type === "client-away") away.resolve();
      if (event.type !== "listening") return;
      proxy = new Proxy(Number(/:(\d+)$/.exec(event.address)?.[1]));
      client = new ClientSyncTop(fake, { serverAddr: proxy.address, logger: silentLogger }).run();
      client.catch(() => {});
    },
  });
  await assertRejects(() => server.run(), Error, "after 1 tries: rank 1: too large");
  await assertRejects(() => client, RunStoppedError);
  await proxy?.[Symbol.asyncDispose]();
  assertEquals(fake.plans.map(({ round }) => round), [1, 2]);
});

Deno.test("an asynchronous client that cannot train asks again after a pause, and its task goes to another", async () => {
  let tries = 0;
  const failing = new FakeHandler(MANIFEST, {
    step: () => {
      tries++;
      throw new CannotTrainError("too large");
    },
  });
  const asked = Promise.withResolvers<void>();
  const working = new FakeHandler(MANIFEST, {
    step: async (vector, { round }) => {
      if (round === 3) await asked.promise;
      vector.forEach((x, i) => vector[i] = x + 1);
    },
  });
  const began = performance.now();
  const { report, events, fates } = await runAsync({
    manifest: MANIFEST,
    clients: [working, failing],
    versions: 3,
    onEvent: () => {
      if (tries >= 4) asked.resolve();
    },
  });
  assertEquals(fates.map(({ status }) => status), ["fulfilled", "fulfilled"]);
  assertEquals(report.rounds.flatMap(({ cohort }) => cohort), [1, 1, 1]);
  const reasons = report.rounds.flatMap(({ losses }) => losses);
  assertEquals(reasons.at(-1), { rank: 2, reason: "too large" });
  assert(events.some(({ type }) => type === "update-refused"));
  // The pauses before the second to the fourth are at least 50, 100 and 200 ms.
  assert(tries >= 4 && performance.now() - began >= 350);
});

Deno.test("a refusal of a round that is not open, or from outside its cohort, has no effect on the round", async () => {
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
  });
  const visited = Promise.withResolvers<void>();
  const events: ServerEvent[] = [];
  const report = await new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: 2,
    rounds: 2,
    logger: silentLogger,
    onEvent: (event) => {
      events.push(event);
      if (event.type === "listening") visit(event.address).then(visited.resolve, visited.reject);
    },
  }).run();
  await visited.promise;
  assertEquals(report.rounds.map(({ received, refused }) => [received, refused]), [[1, 3], [1, 1]]);

  async function visit(address: string): Promise<void> {
    await using peer = await Peer.connect(address);
    await peer.join({ rank: 1 });
    await peer.until(0x2);
    const tell = (round?: number) =>
      peer.send({
        code: 8,
        payload: {
          fault: "cannot-train",
          message: "no",
          fatal: false,
          ...(round !== undefined && { round }),
        },
      });
    for (const round of [2, 9, undefined]) {
      await tell(round);
      const { fault, fatal, message } = await peer.error();
      assertEquals([fault, fatal], ["wrong-round", false]);
      assertMatch(message, /^Cannot go on without the update of rank 1 for round/);
    }
    await peer.update(1);
    await peer.until(0x2);
    await tell(1);
    assertEquals((await peer.error()).fault, "wrong-round");
    await peer.update(2);
    await peer.send({ code: 4, payload: await peer.until(4) });
  }
});

Deno.test("a fatal refusal to train makes the client leave, like any other error", async () => {
  for (const [fault, fatal] of [["cannot-train", true], ["handler-failed", false]] as const) {
    const handler = new SyncParameterServerHandler({
      manifest: MANIFEST,
      parameters: new Float32Array(MANIFEST.length),
    });
    const lost: unknown[] = [];
    let visit: Promise<void> = Promise.resolve();
    const server = new ServerSyncTop(handler, {
      listen: "127.0.0.1:0",
      worldSize: 2,
      rounds: 1,
      roundTries: 1,
      logger: silentLogger,
      timeouts: { joinSeconds: 2 },
      onEvent: (event) => {
        if (event.type === "client-lost") lost.push(event.reason);
        if (event.type !== "listening") return;
        visit = (async () => {
          await using peer = await Peer.connect(event.address);
          await peer.join();
          await peer.until(0x2);
          await peer.send({ code: 8, payload: { fault, message: "bye", fatal, round: 1 } });
        })();
      },
    });
    await assertRejects(() => server.run(), Error, "rank 1: bye");
    await visit;
    assertEquals(lost, ["bye"]);
  }
});

const HUGE = new Float32Array(3).fill(3e38);

for (
  const [name, rule, { steps, learningRate = 1, x = 0, control = 0 }] of [
    ["scaffold", { name: "scaffold" }, { steps: 3e38, learningRate: 0.1 }],
    ["scaffold", { name: "scaffold" }, { steps: 1, control: NaN }],
    ["feddyn", { name: "feddyn", alpha: 10 }, { steps: 3e38 }],
    ["ditto", { name: "ditto", lambda: 10 }, { steps: 1, x: -3e38 }],
  ] as [
    string,
    LocalRule,
    { steps: number; learningRate?: number; x?: number; control?: number },
  ][]
) {
  Deno.test(`LocalLearner by ${name} keeps nothing that is not finite, and goes on from what it had (${steps}, ${x}, ${control})`, async () => {
    let value = 1;
    const learner = new LocalLearner(
      new FakeHandler(MANIFEST, { step: (vector) => void vector.fill(value) }),
    );
    const train = async (round: number, from: number, more: number) => {
      const global = new Float32Array(3).fill(from), c = new Float32Array(3).fill(more);
      const plan: TrainPlan = planOf({ round, learningRate });
      learner.load(global, rule, name === "scaffold" ? c : undefined);
      const result = await learner.train(plan);
      learner.settle();
      return result;
    };
    await train(1, 0, 0);
    const own = learner.own?.slice();
    assert(own?.every(Number.isFinite));
    if (name === "ditto") learner.own = HUGE.slice();
    value = steps;
    await assertRejects(() => train(2, x, control), CannotTrainError, "to be finite, got 3 of 3");
    value = 1;
    if (name === "ditto") learner.own = own;
    assertEquals(learner.own, own);
    await train(3, 0, 0);
    assert(learner.own?.every(Number.isFinite));
  });
}

Deno.test("clients of Scaffold and FedDyn refuse a round whose numbers overflow, and go on", async () => {
  for (const strategy of [new Scaffold(), new FedDyn({ alpha: 10 })]) {
    const { report } = await federate(
      (vector, { round }) => void vector.fill(round === 2 ? 3e38 : 1),
      strategy,
    );
    const refused = report.rounds.map(({ refused, received }) => [refused, received]);
    assertEquals(refused, [[0, 2], [1, 1], [0, 2], [0, 2]], strategy.name);
  }
});

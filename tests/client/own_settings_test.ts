import {
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import {
  ClientSyncTop,
  digits,
  FedNova,
  initialParameters,
  MessageCode,
  mlp,
  NativeSGDHandler,
  parseStrategy,
  partition,
  ProtocolError,
  ServerSyncTop,
  silentLogger,
  Simulation,
  type Strategy,
  SyncParameterServerHandler,
} from "../../mod.ts";
import type { AllowedSettings, OwnSettings } from "../../src/plan/mod.ts";
import { mostSteps } from "../../src/plan/own_settings.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { Peer } from "../helpers/peer.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(2);
const group = { distBackend: "memory", logger: silentLogger } as const;
const ALLOWED: AllowedSettings = {
  epochs: { least: 1, most: 5 },
  batchSize: { least: 4, most: 32 },
};

/** Client that moves one value by 1 in each epoch. */
function walker(index: number): FakeHandler {
  return new FakeHandler(MANIFEST, {
    step: (vector, { epochs }) => void (vector[index] = (vector[index] ?? 0) + epochs),
  });
}

async function run(
  settings: readonly OwnSettings[],
  { strategy, allows }: { strategy?: Strategy; allows?: AllowedSettings } = {},
): Promise<{ parameters: number[]; clients: FakeHandler[] }> {
  const serverAddr = `own-settings-${crypto.randomUUID()}`;
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(2),
    ...(strategy && { strategy }),
    ...(allows && { allows }),
  });
  const server = new ServerSyncTop(handler, {
    ...group,
    listen: serverAddr,
    worldSize: settings.length + 1,
    rounds: 1,
  });
  const stop = new AbortController();
  const running = server.run({ signal: stop.signal });
  running.catch(() => {});
  const clients = settings.map((_, i) => walker(i));
  const runs = clients.map((client, i) =>
    new ClientSyncTop(client, { ...group, serverAddr, rank: i + 1, settings: settings[i] ?? {} })
      .run()
  );
  try {
    await Promise.all(runs);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled([...runs, running]);
    throw error;
  }
  await running;
  return { parameters: [...handler.parameters], clients };
}

Deno.test("a client trains by its own epochs and batch size where the server allows it", async () => {
  const { clients } = await run([{ epochs: 2, batchSize: 16 }, {}], { allows: ALLOWED });
  const used = clients.map(({ plans: [plan] }) => [plan?.epochs, plan?.batchSize]);
  assertEquals(used, [[2, 16], [1, 10]]);
});

Deno.test("a client whose own settings are not allowed is refused in one line, and its server's own values are not", async () => {
  const cases: [OwnSettings, AllowedSettings | undefined, string][] = [
    [
      { epochs: 2 },
      undefined,
      "Cannot join: expected epochs of 1, because the server lets no client choose its own, got 2",
    ],
    [
      { epochs: 6 },
      ALLOWED,
      "Cannot join: expected epochs from 1 to 5, which the server allows, got 6",
    ],
    [
      { batchSize: 0 },
      ALLOWED,
      "Cannot join: expected batchSize from 4 to 32, which the server allows, got 0",
    ],
    [{ batchSize: 8 }, { epochs: { least: 1, most: 2 } }, "Cannot join: expected batchSize of 10"],
  ];
  for (const [settings, allows, message] of cases) {
    await assertRejects(() => run([settings], allows ? { allows } : {}), ProtocolError, message);
  }
  const { clients } = await run([{ epochs: 1, batchSize: 10 }]);
  assertEquals(clients[0]?.plans.length, 1);
});

Deno.test("a server refuses a client that claims settings that are not allowed", async () => {
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(2),
  });
  const address = Promise.withResolvers<string>();
  const stop = new AbortController();
  const server = new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    logger: silentLogger,
    worldSize: 2,
    rounds: 1,
    timeouts: { drainSeconds: 0.2 },
    onEvent: (event) => event.type === "listening" && address.resolve(event.address),
  });
  const running = server.run({ signal: stop.signal });
  {
    await using peer = await Peer.connect(await address.promise);
    await peer.register();
    const { manifestDigest } = await peer.until(MessageCode.IdAssignment);
    const payload = { manifestDigest, numSamples: 1, own: { epochs: 3 } };
    await peer.send({ code: MessageCode.Ready, payload });
    const { fault, message } = await peer.error();
    assertEquals(fault, "invalid-field");
    assertEquals(message.startsWith("Cannot join: expected epochs of 1"), true);
  }
  stop.abort(new Error("enough"));
  await assertRejects(() => running, Error, "enough");
});

Deno.test("FedNova weighs clients of 1 and 4 epochs as equation 5 says, and FedAvg by their work", async () => {
  const settings = [{ epochs: 1 }, { epochs: 4 }], allows = ALLOWED;
  // Both clients have one sample: FedAvg takes the mean of (1, 0) and (0, 4).
  assertEquals((await run(settings, { allows })).parameters, [0.5, 2]);
  // FedNova takes the mean of the changes by step, (1, 0) and (0, 1), times the mean number of
  // steps, 2.5.
  const { parameters } = await run(settings, { allows, strategy: new FedNova() });
  parameters.forEach((value) => assertAlmostEquals(value, 1.25, 1e-6));
});

Deno.test("mostSteps() bounds the steps by the most epochs and the smallest batches allowed", () => {
  const plan = {
    epochs: 1,
    batchSize: 10,
    learningRate: 1,
    momentum: 0,
    weightDecay: 0,
    keepMomentum: false,
  };
  assertEquals(mostSteps(plan, undefined, 25), 3);
  assertEquals(mostSteps({ ...plan, batchSize: 0 }, undefined, 25), 1);
  assertEquals(mostSteps(plan, ALLOWED, 25), 5 * 7);
  assertEquals(mostSteps(plan, { batchSize: { least: 0, most: 9 } }, 25), 25);
  assertEquals(mostSteps({ ...plan, batchSize: 0 }, { batchSize: { least: 0, most: 0 } }, 25), 1);
});

Deno.test("clients of their own epochs and batch sizes give the same model in simulation and over the wire", async () => {
  const train = (await digits()).select(Array.from({ length: 300 }, (_, i) => i));
  const model = mlp({ inputShape: train.shape, numClasses: 10, hiddenUnits: 8 });
  const parts = [...partition("iid", train, { parts: 2, seed: 1 })];
  const settings = [{ epochs: 3 }, { batchSize: 32 }];
  for (const strategy of ["fednova", "scaffold"]) {
    const handler = async (allows: AllowedSettings | undefined = ALLOWED) =>
      new SyncParameterServerHandler({
        ...await initialParameters(model, 1),
        model,
        allows,
        strategy: parseStrategy(strategy),
      });
    const simulation = { train, test: train, parts, rounds: 2, workers: 1 };
    const simulated = await new Simulation(await handler(), { ...simulation, settings }).run();
    const plain = await new Simulation(await handler(), simulation).run();
    assertNotEquals(simulated.modelDigest, plain.modelDigest);
    const serverAddr = `own-${strategy}`;
    const server = new ServerSyncTop(await handler(), {
      ...group,
      listen: serverAddr,
      worldSize: 3,
      rounds: 2,
    });
    const clients = parts.map((rows, i) =>
      new ClientSyncTop(new NativeSGDHandler({ data: train, rows }), {
        ...group,
        serverAddr,
        rank: i + 1,
        settings: settings[i] ?? {},
      }).run()
    );
    const [real] = await Promise.all([server.run(), ...clients]);
    assertEquals(real.modelDigest, simulated.modelDigest, strategy);
    assertThrows(
      () => new Simulation(server.handler, { ...simulation, settings: [{ epochs: 9 }, {}] }),
      RangeError,
      "Cannot simulate the client of rank 1: expected epochs from 1 to 5",
    );
  }
});

Deno.test("a handler refuses settings of the clients' own for FedSGD, and empty ranges", () => {
  const make = (allows: AllowedSettings, strategy = "fedavg") => () =>
    new SyncParameterServerHandler({
      manifest: MANIFEST,
      parameters: new Float32Array(2),
      strategy: parseStrategy(strategy),
      allows,
    });
  assertThrows(
    make(ALLOWED, "fedsgd"),
    RangeError,
    "does not go with settings that clients choose themselves",
  );
  assertThrows(
    make({ epochs: { least: 3, most: 2 } }),
    RangeError,
    "a range of epochs from 1, got 3..2",
  );
  assertThrows(make({ epochs: { least: 0, most: 2 } }), RangeError, "got 0..2");
});

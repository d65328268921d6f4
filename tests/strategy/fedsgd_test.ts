import { assert, assertAlmostEquals, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  ClientSyncTop,
  DEFAULT_PLAN,
  digits,
  type DistBackendName,
  FedAdam,
  FedAvg,
  FedSGD,
  logisticRegression,
  MessageCode,
  NormClipping,
  type ParameterVector,
  partitionIid,
  ServerSyncTop,
  silentLogger,
  type Strategy,
  SyncParameterServerHandler,
} from "../../mod.ts";
import type { Message } from "../../src/wire/mod.ts";
import { ClientSGDHandler, initialParameters } from "../../mod.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { Peer } from "../helpers/peer.ts";
import { normalVector, roundOf, updateOf } from "../../src/testing/strategy/updates.ts";
import { testStrategy } from "../../src/testing/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

testStrategy(() => new FedSGD(), { agrees: false });

Deno.test("FedSGD steps against the mean gradient weighted by samples, against a sum in float64", () => {
  const samples = [3, 600, 17, 1, 44];
  const global = normalVector(501, 0);
  const gradients = samples.map((_, i) => normalVector(501, i + 1));
  const next = roundOf(
    new FedSGD({ learningRate: 0.25 }),
    global,
    gradients.map((gradient, i) => updateOf(i + 1, gradient, { numSamples: samples[i] ?? 0 })),
  );
  const total = samples.reduce((sum, n) => sum + n);
  for (let j = 0; j < next.length; j++) {
    const mean = gradients.reduce((sum, one, i) => sum + (samples[i] ?? 0) * (one[j] ?? 0), 0);
    assertAlmostEquals(next[j] ?? NaN, (global[j] ?? 0) - 0.25 * mean / total, 1e-6);
  }
});

Deno.test("FedSGD steps by the plan's learning rate where it has none of its own", () => {
  const info = { round: 1, numClients: 1, plan: { ...DEFAULT_PLAN, learningRate: 0.5 } };
  for (const [options, size] of [[{}, 0.5], [{ learningRate: 0.25 }, 0.25]] as const) {
    const round = new FedSGD(options).begin(new Float32Array([1]), info);
    round.accept(updateOf(1, new Float32Array([2]), { numSamples: 1 }));
    assertEquals(round.finish(), new Float32Array([1 - 2 * size]));
  }
});

Deno.test("a server optimizer on FedSGD asks for gradients, and norm clipping will not have them", () => {
  assertEquals(new FedAdam({ mean: new FedSGD() }).clientSettings, { rule: { name: "gradient" } });
  assertThrows(
    () => new NormClipping({ bound: 1, mean: new FedSGD() }),
    RangeError,
    "expected a mean of parameters, got fedsgd",
  );
});

Deno.test("SyncParameterServerHandler refuses to ask for gradients that its strategy would take for parameters", () => {
  const manifest = vectorManifest(2);
  assertThrows(
    () =>
      new SyncParameterServerHandler({
        manifest,
        parameters: new Float32Array(2),
        plan: { rule: { name: "gradient" } },
      }),
    RangeError,
    "expected a strategy that takes gradients, got fedavg",
  );
});

/** Three clients with the digits among them, each with an engine of its own. */
async function trainDigits(
  strategy: Strategy,
  distBackend: DistBackendName,
): Promise<
  { digest: string; parameters: ParameterVector; trainLosses: number[]; received: number[] }
> {
  const data = await digits();
  const model = logisticRegression({ inputShape: [8, 8, 1], numClasses: 10 });
  const parts = partitionIid(data, 3, { seed: 4 });
  const handler = new SyncParameterServerHandler({
    ...await initialParameters(model, 5),
    model,
    strategy,
    plan: { epochs: 1, batchSize: 0, learningRate: 0.5 },
  });
  let running: Promise<void>[] = [];
  const server = new ServerSyncTop(handler, {
    listen: distBackend === "memory" ? "fedsgd" : "127.0.0.1:0",
    worldSize: 4,
    rounds: 4,
    distBackend,
    logger: silentLogger,
    onEvent: (event) => {
      if (event.type !== "listening") return;
      running = parts.map(async (rows, i) => {
        // Parts of different sizes, so that their weights count.
        await using client = new ClientSGDHandler({
          data,
          rows: Uint32Array.from(rows).slice(100 * i),
        });
        await new ClientSyncTop(client, {
          serverAddr: event.address,
          rank: i + 1,
          distBackend,
          logger: silentLogger,
        }).run();
      });
    },
  });
  const report = await server.run();
  await Promise.all(running);
  return {
    digest: report.modelDigest,
    parameters: handler.parameters.slice(),
    trainLosses: report.rounds.map(({ trainLoss = NaN }) => trainLoss),
    received: report.rounds.map(({ received }) => received),
  };
}

Deno.test("FedSGD equals FedAvg of one epoch of full-batch SGD up to rounding, with one digest over memory and TCP", async () => {
  const averaged = await trainDigits(new FedAvg(), "memory");
  const stepped = await trainDigits(new FedSGD({ learningRate: 0.5 }), "memory");
  const overTcp = await trainDigits(new FedSGD({ learningRate: 0.5 }), "tcp");
  assertEquals(overTcp.digest, stepped.digest);
  assertEquals(stepped.received, [3, 3, 3, 3]);
  assert((stepped.trainLosses[3] ?? NaN) < (stepped.trainLosses[0] ?? NaN) - 0.1);
  averaged.trainLosses.forEach((loss, i) =>
    assertAlmostEquals(stepped.trainLosses[i] ?? NaN, loss, 1e-5)
  );
  averaged.parameters.forEach((value, i) =>
    assertAlmostEquals(stepped.parameters[i] ?? NaN, value, 1e-6)
  );
});

/**
 * The fault with which a server answers a peer that sends this update, whatever it was asked for.
 */
async function faultOf(strategy: Strategy, update: Message): Promise<string | undefined> {
  const manifest = vectorManifest(3);
  const handler = new SyncParameterServerHandler({
    manifest,
    parameters: new Float32Array(3),
    strategy,
  });
  const address = Promise.withResolvers<string>();
  const server = new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: 2,
    rounds: 1,
    logger: silentLogger,
    timeouts: { heartbeatSeconds: 1, joinSeconds: 1.5 },
    onEvent: (event) => {
      if (event.type === "listening") address.resolve(event.address);
    },
  });
  const running = server.run().catch(() => {});
  let fault: string | undefined;
  {
    await using peer = await Peer.connect(await address.promise);
    await peer.join();
    await peer.until(MessageCode.ParameterUpdate);
    await peer.send(update);
    fault = (await peer.error()).fault;
    // Where it was refused for good the server closes.
    await peer.send({ code: MessageCode.Exit, payload: { reason: "done" } }).catch(() => {});
  }
  await running;
  return fault;
}

Deno.test("the server takes the kind of update that its strategy asks for, and names what is wrong with another", async () => {
  const update = (code: number, vector: number[]): Message => {
    const values = new Float32Array(vector), fields = { round: 1, numSamples: 1 };
    return code === MessageCode.GradientUpdate
      ? { code: MessageCode.GradientUpdate, payload: { ...fields, gradient: values } }
      : { code: MessageCode.ParameterUpdate, payload: { ...fields, parameters: values } };
  };
  const { GradientUpdate, ParameterUpdate } = MessageCode;
  const faults = [
    await faultOf(new FedSGD(), update(ParameterUpdate, [1, 2, 3])),
    await faultOf(new FedAvg(), update(GradientUpdate, [1, 2, 3])),
    await faultOf(new FedSGD(), update(GradientUpdate, [1, 2])),
    await faultOf(new FedSGD(), update(GradientUpdate, [1, NaN, 3])),
  ];
  assertEquals(faults, ["unexpected-code", "unexpected-code", "shape-mismatch", "non-finite"]);
});

Deno.test("a client whose handler has no gradient leaves with the reason", async () => {
  const manifest = vectorManifest(3);
  const handler = new SyncParameterServerHandler({
    manifest,
    parameters: new Float32Array(3),
    strategy: new FedSGD(),
  });
  const lost: string[] = [];
  const server = new ServerSyncTop(handler, {
    listen: "no-gradient",
    worldSize: 2,
    rounds: 1,
    roundTries: 1,
    distBackend: "memory",
    logger: silentLogger,
    onEvent: (event) => event.type === "client-lost" && lost.push(event.reason),
  });
  const client = new ClientSyncTop(new FakeHandler(manifest), {
    serverAddr: "no-gradient",
    distBackend: "memory",
    logger: silentLogger,
  });
  const fates = await Promise.allSettled([server.run(), client.run()]);
  assertEquals(fates.map(({ status }) => status), ["rejected", "rejected"]);
  assert(lost[0]?.includes("Cannot give a gradient"), lost[0]);
});

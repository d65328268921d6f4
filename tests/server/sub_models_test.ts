/** Frozen layers and tensors that stay on the clients do not travel. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  AsyncParameterServerHandler,
  ClientFollowingTop,
  ClientSGDHandler,
  digits,
  initialParameters,
  MessageCode,
  mlp,
  type ModelDescription,
  parseStrategy,
  type RunReport,
  ServerAsyncTop,
  ServerSyncTop,
  silentLogger,
  Simulation,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { codedBytes, encodeVector, parseCodec } from "../../src/codec/mod.ts";
import { sha256Hex } from "../../src/base/hash.ts";
import { travellingPart } from "../../src/train/models/travelling_part.ts";
import { frozenModel } from "../helpers/frozen_model.ts";
import { Peer } from "../helpers/peer.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const all = await digits();
const parts = [
  Array.from({ length: 40 }, (_, row) => row),
  Array.from({ length: 30 }, (_, row) => 40 + row),
];
const plan = { epochs: 1, batchSize: 10, learningRate: 0.05 };
const rounds = 3;

/** Run with a part that travels. */
interface Case {
  readonly model: ModelDescription;
  readonly strategy: string;
  readonly uplink?: string;
  readonly downlink?: string;
}

const CASES = {
  frozen: { model: frozenModel(64), strategy: "fedavg" },
  fedper: {
    model: mlp({ inputShape: [8, 8, 1], hiddenUnits: 64, numClasses: 10 }),
    strategy: "fedper:local=logits/",
  },
  scaffold: { model: frozenModel(64), strategy: "scaffold" },
  gradient: { model: frozenModel(64), strategy: "fedsgd" },
  "frozen, with codecs": {
    ...{ model: frozenModel(64), strategy: "fedavg" },
    ...{ uplink: "eden:bits=4", downlink: "int8" },
  },
  "fedper, with codecs": {
    model: mlp({ inputShape: [8, 8, 1], hiddenUnits: 64, numClasses: 10 }),
    strategy: "fedper:local=logits/",
    ...{ uplink: "eden:bits=4", downlink: "int8" },
  },
} satisfies Readonly<Record<string, Case>>;

async function handlerOf({ model, strategy, uplink, downlink }: Case) {
  const initial = await initialParameters(model, 1, { engine: "native" });
  return new SyncParameterServerHandler({
    ...{ ...initial, model, plan, seed: 1 },
    strategy: parseStrategy(strategy),
    ...(uplink !== undefined && { uplink: parseCodec(uplink) }),
    ...(downlink !== undefined && { downlink: parseCodec(downlink) }),
  });
}

const addresses = { memory: "sub-models", tcp: "127.0.0.1:0", websocket: "ws://127.0.0.1:0/" };

/** Runs a server with its clients. */
async function serve(
  server: ServerSyncTop | ServerAsyncTop,
  address: Promise<string>,
  distBackend: keyof typeof addresses,
): Promise<RunReport> {
  const served = server.run();
  const serverAddr = await Promise.race([address, served.then(() => "")]);
  const clients = parts.map(async (rows, i) => {
    await using handler = new ClientSGDHandler({ data: all.select(rows) });
    await new ClientFollowingTop(handler, {
      ...{ distBackend, serverAddr, rank: i + 1, logger: silentLogger },
    }).run();
  });
  return (await Promise.all([served, ...clients]))[0];
}

/** Options of a server, and the address at which it listens. */
function group(distBackend: keyof typeof addresses) {
  const { promise: address, resolve } = Promise.withResolvers<string>();
  const options = {
    ...{ distBackend, listen: addresses[distBackend], worldSize: 3, logger: silentLogger },
    onEvent: (event: { type: string; address?: string }) => {
      if (event.type === "listening") resolve(event.address ?? "");
    },
  };
  return { options, address };
}

for (const [name, settings] of Object.entries<Case>(CASES)) {
  Deno.test(`${name}: each transport sends the part, with the model of the simulation`, async () => {
    const handler = await handlerOf(settings);
    const before = handler.parameters.slice();
    const { manifest, model, plan: { rule } } = handler;
    const part = travellingPart(manifest, model, rule);
    assert(part !== undefined && part.length < manifest.length);
    const simulated = await new Simulation(handler, { train: all, parts, rounds, workers: 1 })
      .run();
    assertEquals(part.takeOthers(handler.parameters), part.takeOthers(before));
    const bytesOf = (codec: string | undefined) =>
      codec === undefined ? 4 * part.length : codedBytes(parseCodec(codec), part.length);
    const upBytes = bytesOf(settings.uplink), downBytes = bytesOf(settings.downlink);
    assertEquals(simulated.rounds.map(({ bytesUp }) => bytesUp), Array(rounds).fill(2 * upBytes));
    for (const transport of ["memory", "tcp", "websocket"] as const) {
      const { options, address } = group(transport);
      const server = new ServerSyncTop(await handlerOf(settings), { ...options, rounds });
      const report = await serve(server, address, transport);
      assertEquals(report.modelDigest, simulated.modelDigest, transport);
      const last = report.rounds.at(-1);
      assert(last !== undefined);
      // The rest are other fields of the messages, and the figures of the evaluation.
      assert(last.bytesUp < 2 * upBytes + 6_000, `${transport}: ${last.bytesUp} bytes up`);
      assert(last.bytesUp > 2 * upBytes);
      // Clients evaluate the parameters too.
      const control = name === "scaffold" ? downBytes : 0;
      assert(
        last.bytesDown < 2 * (2 * downBytes + control) + 6_000,
        `${transport}: ${last.bytesDown} bytes down`,
      );
    }
  });
}

Deno.test("an asynchronous server sends the part of each version", async () => {
  const { model } = CASES.frozen;
  const initial = await initialParameters(model, 1, { engine: "native" });
  const handler = new AsyncParameterServerHandler({ ...initial, model, plan, seed: 1 });
  const part = travellingPart(handler.manifest, model, undefined);
  assert(part !== undefined);
  const { options, address } = group("tcp");
  const server = new ServerAsyncTop(handler, { ...options, versions: 6 });
  const report = await serve(server, address, "tcp");
  assertEquals(part.takeOthers(handler.parameters), part.takeOthers(initial.parameters));
  const bytes = report.rounds.reduce((sum, { bytesUp }) => sum + bytesUp, 0);
  assert(bytes < 6 * 4 * part.length + 30_000, `${bytes} bytes up`);
});

Deno.test("codes for frozen tensors are refused by name", async () => {
  let refusal = "";
  await withPeer(
    async (peer, handler) => {
      await peer.register({ codecs: ["int8"] });
      const { manifestDigest, uplink = "" } = await peer.until(MessageCode.IdAssignment);
      const payload = { manifestDigest, numSamples: 1, stays: "0".repeat(64) };
      await peer.send({ code: MessageCode.Ready, payload });
      const { round } = await peer.until(MessageCode.ParameterUpdate);
      const all = new Float32Array(handler.manifest.length);
      const key = { seed: handler.seed, round, rank: 1 };
      const coded = encodeVector(parseCodec(uplink), all, key);
      await peer.send({
        code: MessageCode.CompressedUpdate,
        payload: { round, numSamples: 1, steps: 1, codec: uplink, ...coded },
      });
      const { fault, message, fatal } = await peer.error();
      assertEquals([fault, fatal], ["shape-mismatch", true]);
      refusal = message;
    },
    true,
    { ...CASES.frozen, uplink: "int8" },
  ).catch(() => {});
  assertMatch(refusal, /^Cannot take the update of rank 1: .*expected 3 scales .*650 values/);
});

/** Runs a server whose only client is driven by hand. */
async function withPeer(
  body: (peer: Peer, handler: SyncParameterServerHandler) => Promise<void>,
  isOver = false,
  settings: Case = CASES.frozen,
): Promise<RunReport> {
  const handler = await handlerOf(settings);
  const { options, address } = group("tcp");
  const server = new ServerSyncTop(handler, {
    ...{ ...options, worldSize: 2, rounds: 1 },
    timeouts: { roundSeconds: 5, joinSeconds: 20 },
  });
  const over = new AbortController();
  const served = server.run({ signal: over.signal });
  served.catch(() => {});
  {
    await using peer = await Peer.connect(await address);
    await body(peer, handler);
  }
  if (isOver) over.abort();
  return await served;
}

async function leave(peer: Peer): Promise<void> {
  await peer.until(MessageCode.Exit);
  await peer.send({ code: MessageCode.Exit, payload: { reason: "done" } });
}

Deno.test("a client of an earlier version gets and sends all parameters", async () => {
  await withPeer(async (peer, handler) => {
    await peer.join();
    const { parameters } = await peer.until(MessageCode.ParameterUpdate);
    assertEquals(parameters, handler.parameters);
    const payload = { round: 1, numSamples: 1, steps: 1, parameters };
    await peer.send({ code: MessageCode.ParameterUpdate, payload });
    const evaluation = await peer.until(MessageCode.EvaluateParams);
    assertEquals(evaluation.parameters?.length, handler.manifest.length);
    const figures = { round: 1, numSamples: 1, loss: 1 };
    await peer.send({ code: MessageCode.EvaluateParams, payload: figures });
    await leave(peer);
  });
});

Deno.test("a client is sent what does not travel once, unless it has it", async () => {
  for (const has of [true, false]) {
    await withPeer(async (peer, handler) => {
      const part = travellingPart(handler.manifest, handler.model, undefined);
      assert(part !== undefined);
      await peer.register();
      const { manifestDigest, travels } = await peer.until(MessageCode.IdAssignment);
      assertEquals(travels, part.length);
      const others = part.takeOthers(handler.parameters);
      const stays = has ? await sha256Hex(others) : "0".repeat(64);
      await peer.send({
        code: MessageCode.Ready,
        payload: { manifestDigest, numSamples: 1, stays },
      });
      const { parameters } = await peer.until(MessageCode.ParameterUpdate);
      assertEquals(parameters.length, has ? part.length : part.wholeLength);
      const sent = has ? parameters : part.take(parameters);
      const payload = { round: 1, numSamples: 1, steps: 1, parameters: sent };
      await peer.send({ code: MessageCode.ParameterUpdate, payload });
      const evaluation = await peer.until(MessageCode.EvaluateParams);
      assertEquals(evaluation.parameters?.length, part.length);
      const figures = { round: 1, numSamples: 1, loss: 1 };
      await peer.send({ code: MessageCode.EvaluateParams, payload: figures });
      await leave(peer);
    });
  }
});

Deno.test("values of frozen tensors are refused by name", async () => {
  let refusal = "";
  await withPeer(async (peer, handler) => {
    await peer.register();
    const { manifestDigest } = await peer.until(MessageCode.IdAssignment);
    const payload = { manifestDigest, numSamples: 1, stays: "0".repeat(64) };
    await peer.send({ code: MessageCode.Ready, payload });
    const { parameters } = await peer.until(MessageCode.ParameterUpdate);
    assertEquals(parameters.length, handler.manifest.length);
    const update = { round: 1, numSamples: 1, steps: 1, parameters };
    await peer.send({ code: MessageCode.ParameterUpdate, payload: update });
    const { fault, message, fatal } = await peer.error();
    assertEquals([fault, fatal], ["shape-mismatch", true]);
    refusal = message;
  }, true).catch(() => {});
  assertStringIncludes(refusal, "those of frozen and local tensors are not sent");
});

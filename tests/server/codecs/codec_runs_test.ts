/** Encoded updates and parameters: one model over all transports, peers of before, bad frames. */
import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import {
  CheckpointStore,
  digits,
  initialParameters,
  Manifest,
  mlp,
  NativeSGDHandler,
  parseStrategy,
  partition,
  ProtocolError,
  type RunReport,
  ServerSyncTop,
  silentLogger,
  Simulation,
  SyncParameterServerHandler,
} from "../../../mod.ts";
import { type Codec, codedBytes, encodeVector, parseCodec } from "../../../src/codec/mod.ts";
import { VectorCoder } from "../../../src/codec/vector_coder.ts";
import { ServerCodecs } from "../../../src/round/handler/server_codecs.ts";
import { InProcessPool } from "../../../src/sim/mod.ts";
import { vectorManifest } from "../../helpers/fake_handler.ts";
import { Peer } from "../../helpers/peer.ts";
import { runSync } from "../../helpers/sync_run.ts";
import { MessageCode } from "../../../src/wire/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const CLIENTS = 3, ROUNDS = 3, SEED = 3;
const all = await digits();
const train = all.select(Array.from({ length: 120 }, (_, i) => i));
const parts = [...partition("iid", train, { parts: CLIENTS, seed: SEED })];
const model = mlp({ inputShape: train.shape, numClasses: train.numClasses, hiddenUnits: 8 });

type Options = Partial<ConstructorParameters<typeof SyncParameterServerHandler>[0]>;

async function handlerOf(
  uplink: string | Codec | undefined,
  downlink: string | Codec | undefined,
  more: Options = {},
): Promise<SyncParameterServerHandler> {
  const codecOf = (codec: string | Codec) => typeof codec === "string" ? parseCodec(codec) : codec;
  return new SyncParameterServerHandler({
    ...await initialParameters(model, SEED),
    model,
    plan: { epochs: 1, batchSize: 16, learningRate: 0.1 },
    seed: SEED,
    ...(uplink && { uplink: codecOf(uplink) }),
    ...(downlink && { downlink: codecOf(downlink) }),
    ...more,
  });
}

function simulated(handler: SyncParameterServerHandler, rounds = ROUNDS): Promise<RunReport> {
  return new Simulation(handler, { train, parts, rounds, pool: InProcessPool.start }).run();
}

function live(
  handler: SyncParameterServerHandler,
  more: Partial<Parameters<typeof runSync>[1]> = {},
): Promise<RunReport> {
  const clients = parts.map((rows) => new NativeSGDHandler({ data: train, rows }));
  return runSync(handler, { clients, rounds: ROUNDS, ...more });
}

for (
  const [uplink, downlink] of [
    ["eden:bits=1", "int8"],
    ["eden:bits=2,share=0.5", undefined],
    [undefined, "int4:rounding=stochastic"],
    ["f16", "bf16"],
  ]
) {
  Deno.test(`up ${uplink} and down ${downlink}: one model in a simulation and over each transport`, async () => {
    const { modelDigest } = await simulated(await handlerOf(uplink, downlink));
    for (const distBackend of ["memory", "tcp", "websocket"] as const) {
      const report = await live(await handlerOf(uplink, downlink), { distBackend });
      assertEquals(report.modelDigest, modelDigest, distBackend);
      assertEquals([report.uplink, report.downlink], [uplink, downlink]);
    }
    const plain = await simulated(await handlerOf(undefined, undefined));
    assertNotEquals(plain.modelDigest, modelDigest);
  });
}

for (const kind of ["frozen", "fedper"] as const) {
  Deno.test(`a ${kind} model has one result live and simulated, and its layers do not travel`, async () => {
    const description = JSON.stringify(model).replace('"units":8', '"units":8,"trainable":false');
    const made = kind === "frozen" ? JSON.parse(description) as typeof model : model;
    const more = {
      ...await initialParameters(made, SEED, { engine: "native" }),
      model: made,
      ...(kind === "fedper" && { strategy: parseStrategy("fedper:local=logits/") }),
    };
    const expected = await simulated(await handlerOf("eden:bits=2", "int8", more));
    const found = await live(await handlerOf("eden:bits=2", "int8", more));
    assertEquals(found.modelDigest, expected.modelDigest);
    const plain = await simulated(await handlerOf(undefined, undefined, more));
    const [up = 0, whole] = [expected.rounds[1]?.bytesUp, expected.rounds[1]?.bytesUpWhole];
    assertEquals(whole, plain.rounds[1]?.bytesUp);
    assert(up < (whole ?? 0) / 6, `got ${up} of ${whole} bytes`);
  });
}

Deno.test("the order of arrival does not matter with exact sums and a codec", async () => {
  const exact = { aggregation: "exact" } as const;
  const expected = await simulated(await handlerOf("eden:bits=1", "int8", exact));
  const found = await live(await handlerOf("eden:bits=1", "int8", exact));
  assertEquals(found.modelDigest, expected.modelDigest);
});

Deno.test("the report has the bytes that were sent, and those without codecs", async () => {
  const handler = await handlerOf("eden:bits=1", "int8"), { length } = handler.manifest;
  const [round] = (await simulated(handler, 1)).rounds;
  const up = codedBytes(parseCodec("eden:bits=1"), length);
  const down = codedBytes(parseCodec("int8"), length);
  assertEquals(round?.bytesUp, CLIENTS * up);
  assertEquals(round?.bytesUpWhole, CLIENTS * 4 * length);
  // The clients evaluate the parameters as they are.
  assertEquals(round?.bytesDown, CLIENTS * (down + 4 * length));
  assertEquals(round?.bytesDownWhole, CLIENTS * 8 * length);

  const report = await live(await handlerOf("eden:bits=1", "int8"));
  for (const { bytesUp, bytesUpWhole = 0, bytesDown, bytesDownWhole = 0 } of report.rounds) {
    assertEquals(bytesUpWhole - bytesUp, CLIENTS * (4 * length - up));
    assertEquals(bytesDownWhole - bytesDown, CLIENTS * (4 * length - down));
    assert(bytesUp < bytesUpWhole && bytesDown < bytesDownWhole);
  }
});

/** Codec that halves the precision of signs: a user's own, unknown to `parseCodec()`. */
const own: Codec = {
  name: "sign",
  size: (length) => ({ scales: Math.min(length, 1), codes: Math.ceil(length / 8) }),
  encode(vector, _key, { scales, codes }) {
    scales[0] = vector.reduce((sum, x) => sum + Math.abs(x), 0) / vector.length;
    vector.forEach((x, i) => codes[i >> 3] = (codes[i >> 3] ?? 0) | Number(x < 0) << (i & 7));
  },
  decode({ scales: [scale = 0], codes }, _key, into) {
    into.forEach((_, i) => into[i] = (codes[i >> 3] ?? 0) >> (i & 7) & 1 ? -scale : scale);
  },
};

Deno.test("a codec of one's own is one object at server and clients; others send whole updates", async () => {
  const { modelDigest } = await simulated(await handlerOf(own, undefined));
  const known = await live(await handlerOf(own, undefined), { client: () => ({ codecs: [own] }) });
  assertEquals(known.modelDigest, modelDigest);
  const unknown = await live(await handlerOf(own, undefined));
  assertEquals(unknown.rounds[0]?.bytesUpWhole, undefined);
  const plain = await live(await handlerOf(undefined, undefined));
  assertEquals(unknown.modelDigest, plain.modelDigest);
});

Deno.test("values that are too large for the codec are sent as they are, live and simulated alike", async () => {
  const large: Codec = {
    ...own,
    name: "f16",
    encode() {
      throw new RangeError("Cannot encode the vector as f16: expected smaller values");
    },
  };
  const plain = await simulated(await handlerOf(undefined, undefined));
  const found = await simulated(await handlerOf(large, large));
  assertEquals(found.modelDigest, plain.modelDigest);
});

Deno.test("a resumed run keeps its codecs, and another codec is refused", async () => {
  const whole = await simulated(await handlerOf("eden:bits=1", "int8"));
  const folder = await Deno.makeTempDir();
  try {
    const checkpoints = new CheckpointStore(folder);
    const handler = await handlerOf("eden:bits=1", "int8");
    await new Simulation(handler, {
      ...{ train, parts, rounds: 2, pool: InProcessPool.start, checkpoints },
    }).run();
    const resume = await checkpoints.latest();
    assert(resume);
    const options = { train, parts, rounds: ROUNDS, pool: InProcessPool.start, resume };
    const again = await handlerOf("eden:bits=1", "int8");
    assertEquals((await new Simulation(again, options).run()).modelDigest, whole.modelDigest);
    for (
      const [up, down, claim] of [
        ["eden:bits=2", "int8", "expected the uplink eden:bits=2, got eden:bits=1"],
        ["eden:bits=1", undefined, "expected the downlink none, got int8"],
      ] as const
    ) {
      const other = await handlerOf(up, down);
      await assertRejects(() => new Simulation(other, options).run(), RangeError, claim);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a codec that does not go with the strategy is refused when the run is made", async () => {
  for (
    const [strategy, uplink, downlink] of [
      ["scaffold", "int8", undefined],
      ["scaffold", undefined, "int8"],
      ["feddyn", "int8", undefined],
      ["fedsgd", "int8", undefined],
      ["krum", "eden:bits=1", undefined],
      ["median", "eden:bits=4,share=0.5", undefined],
    ] as const
  ) {
    const more = { strategy: parseStrategy(strategy) };
    await assertRejects(() => handlerOf(uplink, downlink, more), RangeError, "does not go with");
  }
  await handlerOf("eden:bits=4", "int8", { strategy: parseStrategy("median") });
});

/** Runs a server of one client that a peer speaks for by hand. */
async function withPeer(
  body: (peer: Peer, length: number) => Promise<void>,
  codecs: { readonly uplink?: string; readonly downlink?: string },
  rounds = 1,
): Promise<SyncParameterServerHandler> {
  const manifest = vectorManifest(40);
  const handler = new SyncParameterServerHandler({
    ...{ manifest, parameters: new Float32Array(40).fill(1), seed: SEED },
    ...(codecs.uplink && { uplink: parseCodec(codecs.uplink) }),
    ...(codecs.downlink && { downlink: parseCodec(codecs.downlink) }),
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
  });
  const { promise: address, resolve } = Promise.withResolvers<string>();
  const server = new ServerSyncTop(handler, {
    ...{ listen: "127.0.0.1:0", worldSize: 2, rounds, roundTries: 1, logger: silentLogger },
    onEvent: (event) => event.type === "listening" && resolve(event.address),
  });
  const running = server.run().catch((error) => error as Error);
  const peer = await Peer.connect(await address);
  try {
    await body(peer, manifest.length);
  } finally {
    await peer[Symbol.asyncDispose]();
    await running;
  }
  return handler;
}

Deno.test("a client of the version before is sent whole parameters and sends a whole update", async () => {
  const handler = await withPeer(async (peer, length) => {
    const { uplink, downlink } = await peer.join();
    assertEquals([uplink, downlink], [undefined, undefined]);
    const { round, parameters } = await peer.until(MessageCode.ParameterUpdate);
    assertEquals(parameters, new Float32Array(length).fill(1));
    await peer.update(round, new Float32Array(length).fill(3));
    await peer.until(MessageCode.Exit);
    await peer.send({ code: MessageCode.Exit, payload: { reason: "over" } });
  }, { uplink: "eden:bits=1", downlink: "int8" });
  assertEquals(handler.parameters, new Float32Array(40).fill(3));
});

Deno.test("a client that knows one codec alone uses that one", async () => {
  const handler = await withPeer(async (peer, length) => {
    const { uplink, downlink } = await peer.join({ codecs: ["int8", "of its own"] });
    assertEquals([uplink, downlink], ["int8", undefined]);
    const { round } = await peer.until(MessageCode.ParameterUpdate);
    const change = new Float32Array(length).fill(2);
    const key = { seed: SEED, round, rank: 1 };
    const coded = encodeVector(parseCodec("int8"), change, key);
    await peer.send({
      code: MessageCode.CompressedUpdate,
      payload: { round, numSamples: 1, codec: "int8", ...coded },
    });
    await peer.until(MessageCode.Exit);
    await peer.send({ code: MessageCode.Exit, payload: { reason: "over" } });
  }, { uplink: "int8", downlink: "eden:bits=4" });
  assertEquals(handler.parameters, new Float32Array(40).fill(3));
});

const good = () =>
  encodeVector(parseCodec("int8"), new Float32Array(40).fill(2), {
    ...{ seed: SEED, round: 1, rank: 1 },
  });

for (
  const [what, codecs, fault, fatal, change] of [
    ["a codec that was not agreed on", [], "wrong-codec", true, {}],
    ["an unknown codec", ["int8"], "wrong-codec", true, { codec: "zip" }],
    ["another codec", ["int8"], "wrong-codec", true, { codec: "f16" }],
    ["codes for more values", ["int8"], "shape-mismatch", true, { codes: new Uint8Array(41) }],
    ["codes for fewer values", ["int8"], "shape-mismatch", true, { codes: new Uint8Array(0) }],
    ["further scales", ["int8"], "shape-mismatch", true, { scales: new Float32Array(2) }],
    ["plain values", ["int8"], "shape-mismatch", true, { plain: new Float32Array(1) }],
    ["a scale of NaN", ["int8"], "non-finite", false, { scales: new Float32Array([NaN]) }],
    ["a negative scale", ["int8"], "non-finite", false, { scales: new Float32Array([-1]) }],
    ["an infinite scale", ["int8"], "non-finite", false, { scales: new Float32Array([1 / 0]) }],
    ["values beyond float32", ["int8"], "non-finite", false, {
      scales: new Float32Array([3e38]),
      codes: new Uint8Array(40).fill(127),
    }],
    ["more than the model", ["int8"], "frame-too-large", true, {
      codes: new Uint8Array(70_000),
    }],
  ] as const
) {
  Deno.test(`an update with ${what} is refused as ${fault}`, async () => {
    const handler = await withPeer(async (peer) => {
      await peer.join({ codecs: [...codecs] });
      await peer.until(MessageCode.ParameterUpdate);
      await peer.send({
        code: MessageCode.CompressedUpdate,
        payload: { round: 1, numSamples: 1, codec: "int8", ...good(), ...change },
      });
      const error = await peer.error();
      assertEquals([error.fault, error.fatal], [fault, fatal], error.message);
      assert(!error.message.includes("\n"));
    }, { uplink: "int8" });
    assertEquals(handler.parameters, new Float32Array(40).fill(1));
  });
}

Deno.test("VectorCoder leaves statistics as they are, and frozen layers out", () => {
  const tensors = [
    { name: "a", shape: [3], trainable: true },
    { name: "frozen", shape: [2], trainable: false },
    { name: "variance", shape: [2], trainable: false },
    { name: "b", shape: [4], trainable: true },
  ];
  const manifest = Manifest.of(tensors);
  const coder = new VectorCoder(parseCodec("eden:bits=1"), manifest, [[3, 5]]);
  const key = { seed: 1, round: 1, rank: 1 };
  const base = Float32Array.from({ length: 11 }, (_, i) => i);
  const vector = base.map((value) => value + 0.5);
  const coded = coder.encodeChange(vector, base, key), into = new Float32Array(11);
  assertEquals(coded.plain, new Float32Array([5.5, 6.5]));
  assertEquals(coder.byteLength, 4 + 4 + 8, "32 codes of a bit, a scale, two values");
  coder.decodeChange(coded, key, base, into);
  assertEquals([...into.subarray(3, 7)], [3, 4, 5.5, 6.5]);
  const whole = new VectorCoder(parseCodec("eden:bits=1"), manifest);
  const error = assertThrows(() => whole.decode(coded, key, into), ProtocolError);
  assertEquals(error.fault, "shape-mismatch");
});

Deno.test("an update that is related to encoded parameters changes the server's by the same", () => {
  const manifest = vectorManifest(3);
  const codecs = new ServerCodecs({
    ...{ manifest, model: undefined, seed: 0, uplink: undefined, downlink: parseCodec("int8") },
  });
  const parameters = new Float32Array([1, 0.3, -0.2]);
  const { parameters: sent, coded } = codecs.encodeModel(parameters, 1);
  assert(coded);
  assertNotEquals(sent, parameters);
  const update = { round: 1, parameters: sent.map((value) => value + 1) };
  codecs.rebase(update, { parameters, sent });
  update.parameters.forEach((value, i) =>
    assert(Math.abs(value - (parameters[i] ?? NaN) - 1) < 1e-6)
  );
});

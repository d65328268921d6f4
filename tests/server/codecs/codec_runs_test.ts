/** Encoded updates and parameters: one model over all transports. */
import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import {
  CheckpointStore,
  Manifest,
  parseStrategy,
  ProtocolError,
  Simulation,
} from "../../../mod.ts";
import { type Codec, codedBytes, parseCodec } from "../../../src/codec/mod.ts";
import { VectorCoder } from "../../../src/codec/vector_coder.ts";
import { ServerCodecs } from "../../../src/round/handler/server_codecs.ts";
import { InProcessPool } from "../../../src/sim/mod.ts";
import {
  CLIENTS,
  handlerOf,
  live,
  partialOptions,
  parts,
  ROUNDS,
  simulated,
  train,
} from "../../helpers/codec_runs.ts";
import { vectorManifest } from "../../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

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
    const more = await partialOptions(kind);
    const expected = await simulated(await handlerOf("eden:bits=2", "int8", more));
    const found = await live(await handlerOf("eden:bits=2", "int8", more));
    assertEquals(found.modelDigest, expected.modelDigest);
    assertEquals(found.rounds.map(({ loss }) => loss), expected.rounds.map(({ loss }) => loss));
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
  // Once to train from, once to evaluate.
  assertEquals(round?.bytesDown, CLIENTS * 2 * down);
  assertEquals(round?.bytesDownWhole, CLIENTS * 8 * length);

  const report = await live(await handlerOf("eden:bits=1", "int8"));
  for (const { bytesUp, bytesUpWhole = 0, bytesDown, bytesDownWhole = 0 } of report.rounds) {
    assertEquals(bytesUpWhole - bytesUp, CLIENTS * (4 * length - up));
    assertEquals(bytesDownWhole - bytesDown, 2 * CLIENTS * (4 * length - down));
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

Deno.test("the log of a server names the codecs, and the clients that send whole updates", async () => {
  const lines: string[] = [], add = (text: string) => void lines.push(text);
  const logger = { debug: add, info: add, warn: add, error: add };
  await live(await handlerOf(own, "int8"), {
    server: { logger },
    client: (rank) => rank === 1 ? { codecs: [own] } : {},
  });
  const [named] = lines.filter((line) => line.includes("codecs"));
  assertEquals(named, "Clients that know the codecs encode updates by sign, parameters by int8");
  const whole = lines.filter((line) => line.includes("sends whole updates"));
  assertEquals(whole.map((line) => line.slice(0, 6)).sort(), ["Rank 2", "Rank 3"]);
});

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

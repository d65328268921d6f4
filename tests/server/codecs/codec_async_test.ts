/** Codecs where each client trains at its own pace. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { FedAsync, FedBuff, initialParameters, NativeSGDHandler } from "../../../mod.ts";
import {
  type CodecKey,
  codedBytes,
  decodeVector,
  encodeVector,
  parseCodec,
} from "../../../src/codec/mod.ts";
import { runAsync } from "../../helpers/async_run.ts";
import { model, parts, SEED, train } from "../../helpers/codec_runs.ts";
import { FakeHandler, vectorManifest } from "../../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const LENGTH = 300, VERSIONS = 4;

function throughCodec(name: string, x: Float32Array<ArrayBuffer>, key: CodecKey) {
  const codec = parseCodec(name), into = new Float32Array(x.length);
  decodeVector(codec, encodeVector(codec, x, key), key, into);
  return into;
}

function step(vector: Float32Array<ArrayBuffer>): void {
  vector.forEach((x, i) => vector[i] = x + Math.sin(i + 3 * x));
}

for (
  const [uplink, downlink] of [
    ["eden:bits=2", "int8:rounding=stochastic"],
    ["int8", undefined],
    [undefined, "eden:bits=4"],
    ["int8", "int8+delta"],
    [undefined, "f32+delta"],
  ] as const
) {
  Deno.test(`one client, up ${uplink} and down ${downlink}: the versions are those computed by hand`, async () => {
    const w = Float32Array.from({ length: LENGTH }, (_, i) => Math.cos(i));
    const parameters = w.slice();
    for (let round = 1; round <= VERSIONS; round++) {
      const key = { seed: SEED, round, rank: 0 };
      const sent = downlink === undefined ? w.slice() : throughCodec(downlink, w, key);
      const trained = sent.slice();
      step(trained);
      const change = trained.map((x, i) => x - (sent[i] ?? NaN));
      const decoded = uplink === undefined
        ? change
        : throughCodec(uplink, change, { ...key, rank: 1 });
      // FedAsync mixes with 0.6 where no version was made meanwhile.
      w.forEach((x, i) => w[i] = x + 0.6 * (decoded[i] ?? NaN));
    }
    const found = await Promise.all((["memory", "tcp", "websocket"] as const).map(
      (distBackend) =>
        runAsync({
          manifest: vectorManifest(LENGTH),
          clients: [new FakeHandler(vectorManifest(LENGTH), { step })],
          versions: VERSIONS,
          handler: {
            ...{ parameters, seed: SEED, strategy: new FedAsync() },
            ...(uplink && { uplink: parseCodec(uplink) }),
            ...(downlink && { downlink: parseCodec(downlink) }),
          },
          server: {
            distBackend,
            ...(distBackend === "websocket" && { listen: "ws://127.0.0.1:0/" }),
          },
        }),
    ));
    const [first] = found;
    assert(first);
    first.parameters.forEach((x, i) => assertAlmostEquals(x, w[i] ?? NaN, 1e-4));
    for (const { parameters, report } of found) {
      assertEquals(parameters, first.parameters, report.transport);
      assertEquals([report.uplink, report.downlink], [uplink, downlink]);
    }
  });
}

for (const strategy of [new FedAsync(), new FedBuff({ size: 2 })]) {
  Deno.test(`${strategy.name}: updates of stale versions are decoded from what their clients were sent`, async () => {
    const initial = await initialParameters(model, SEED);
    const { length } = initial.manifest, versions = 12;
    const { report, fates } = await runAsync({
      manifest: initial.manifest,
      clients: parts.map((rows) => new NativeSGDHandler({ data: train, rows })),
      versions,
      evaluates: false,
      handler: {
        ...{ ...initial, model, strategy, seed: SEED },
        plan: { epochs: 5, batchSize: 10, learningRate: 0.3 },
        uplink: parseCodec("eden:bits=4"),
        downlink: parseCodec("int8"),
      },
      server: { distBackend: "tcp", concurrency: 3, evaluateEvery: versions },
    });
    assertEquals(fates.map(({ status }) => status), ["fulfilled", "fulfilled", "fulfilled"]);
    const ages = report.rounds.flatMap(({ staleness = [] }) => staleness);
    assert(ages.some((age) => age > 0), `ages ${ages}`);
    assert((report.final?.accuracy ?? 0) > 0.5, `accuracy ${report.final?.accuracy}`);
    const saved = report.rounds.reduce(
      (sum, { bytesUp, bytesUpWhole = bytesUp }) => sum + bytesUpWhole - bytesUp,
      0,
    );
    const each = 4 * length - codedBytes(parseCodec("eden:bits=4"), length);
    assertEquals(saved % each, 0);
    assert(saved >= versions * strategy.updatesPerVersion * each, `${saved} bytes saved`);
  });
}

Deno.test("clients at their own pace are sent differences, with the model that whole parameters give", async () => {
  const run = async (downlink: string) =>
    await runAsync({
      manifest: vectorManifest(LENGTH),
      clients: [
        new FakeHandler(vectorManifest(LENGTH), {
          step: (vector) => vector.forEach((x, i) => vector[i] = x + 1e-3 * Math.sin(i)),
        }),
      ],
      versions: 6,
      handler: {
        parameters: Float32Array.from({ length: LENGTH }, (_, i) => Math.cos(i)),
        ...{ seed: SEED, strategy: new FedAsync(), downlink: parseCodec(downlink) },
      },
      server: { distBackend: "tcp" },
    });
  const [whole, found] = [await run("int8"), await run("int8+delta")];
  assertEquals(found.parameters, whole.parameters);
  const [many, few] = [whole, found].map(({ report: { rounds } }) =>
    rounds.slice(2).reduce((sum, { bytesDown }) => sum + bytesDown, 0)
  );
  assert((few ?? NaN) < (many ?? NaN) * 0.8, `${few} bytes in place of ${many}`);
});

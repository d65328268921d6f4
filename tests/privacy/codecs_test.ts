/** Encoded updates under privacy: what is summed is clipped after it was decoded. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { initialParameters, SyncParameterServerHandler } from "../../mod.ts";
import { type Codec, codedBytes, parseCodec } from "../../src/codec/mod.ts";
import { stats } from "../../src/params/kernels.ts";
import { CentralPrivacy, type CentralPrivacyOptions } from "../../src/privacy/mod.ts";
import { frozenModel } from "../helpers/frozen_model.ts";
import { CLIENTS, handlerOf, live, ROUNDS, simulated } from "../helpers/codec_runs.ts";
import { vectorManifest } from "../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MECHANISMS = ["ftrl", "fedavg"] as const;
const OPTIONS = { noise: 1, delta: 1e-3, rounds: 9, clients: CLIENTS, noiseSeed: 1 };
const UPLINK = "eden:bits=1";

function privacyBy(
  mechanism: CentralPrivacyOptions["mechanism"],
  more: Partial<CentralPrivacyOptions> = {},
) {
  return new CentralPrivacy({ ...OPTIONS, mechanism, cohort: 2, ...more });
}

/** Gives a private server the updates of all clients of a round, and returns its new model. */
function modelAfter(
  mechanism: CentralPrivacyOptions["mechanism"],
  clip: number,
  updates: (handler: SyncParameterServerHandler, rank: number) => Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> {
  const manifest = vectorManifest(1000);
  const handler = new SyncParameterServerHandler({
    ...{ manifest, parameters: new Float32Array(1000).fill(1), uplink: parseCodec(UPLINK) },
    strategy: privacyBy(mechanism, { clip, cohort: CLIENTS }),
  });
  handler.beginRound(1, CLIENTS);
  for (let rank = 1; rank <= CLIENTS; rank++) {
    const update = { round: 1, numSamples: 1, parameters: updates(handler, rank) };
    handler.check(rank, update);
    handler.onReceive(rank, update);
  }
  handler.updateModel();
  return handler.parameters.slice();
}

for (const mechanism of MECHANISMS) {
  Deno.test(`${mechanism} clips an update whose decoded change exceeds the clip, though the client's does not`, () => {
    const clip = 2, factors: number[] = [];
    const decoded = (handler: SyncParameterServerHandler, rank: number) => {
      const { codecs, parameters } = handler;
      assert(codecs !== undefined);
      const change = parameters.map((_, i) => Math.sin(i * rank));
      const factor = 0.99 * clip / stats(change).norm;
      const update = parameters.map((value, i) => value + factor * (change[i] ?? 0));
      const start = { parameters, sent: parameters };
      const payload = { round: 1, numSamples: 1, parameters: update };
      return codecs.transfer(rank, payload, start, new Float32Array(1000)).payload.parameters;
    };
    const model = modelAfter(mechanism, clip, decoded);
    // The same round with updates that the test has clipped itself: noise of one seed is the same.
    const expected = modelAfter(mechanism, clip, (handler, rank) => {
      const to = decoded(handler, rank), from = handler.parameters;
      const norm = Math.hypot(...to.map((value, i) => value - (from[i] ?? 0)));
      factors.push(norm / clip);
      return to.map((value, i) => (from[i] ?? 0) + (value - (from[i] ?? 0)) * clip / norm);
    });
    for (const factor of factors) assertAlmostEquals(factor, Math.sqrt(1.5708), 0.05);
    model.forEach((value, i) => assertAlmostEquals(value, expected[i] ?? NaN, 1e-5));
    assert(model.some((value) => Math.abs(value - 1) > 1e-3));
  });

  for (const [uplink, downlink] of [[UPLINK, "int8"], ["f16", "int8+delta"]] as const) {
    Deno.test(`${mechanism} with ${uplink} up and ${downlink} down has one model simulated and over each transport`, async () => {
      const handler = () => handlerOf(uplink, downlink, { strategy: privacyBy(mechanism) });
      const { modelDigest, privacy } = await simulated(await handler());
      assertEquals(privacy?.releases, ROUNDS);
      for (const distBackend of ["memory", "tcp", "websocket"] as const) {
        const report = await live(await handler(), { distBackend });
        assertEquals(report.modelDigest, modelDigest, distBackend);
      }
    });
  }

  Deno.test(`${mechanism} with a codec leaves frozen layers as they were`, async () => {
    const frozen = frozenModel(16);
    const initial = await initialParameters(frozen, 3, { engine: "native" });
    const more = () => ({ ...initial, model: frozen, strategy: privacyBy(mechanism) });
    const simulation = await handlerOf(UPLINK, "int8", more());
    const { modelDigest } = await simulated(simulation);
    assertEquals((await live(await handlerOf(UPLINK, "int8", more()))).modelDigest, modelDigest);
    const { manifest, parameters } = initial;
    const after = manifest.views(simulation.parameters);
    manifest.views(parameters).forEach((before, i) => {
      const isFixed = manifest.tensors[i]?.trainable === false;
      assertEquals(before.every((value, at) => value === after[i]?.[at]), isFixed);
    });
  });
}

Deno.test("the bytes in a private run's report do not tell of values that are too large for the codec", async () => {
  const f16 = parseCodec("f16");
  /** Codec that finds the update of one client too large. */
  const picky: Codec = {
    name: "picky",
    size: (length) => f16.size(length),
    decode: (coded, key, into) => f16.decode(coded, key, into),
    encode(vector, key, into) {
      if (key.rank === 2) throw new RangeError("Cannot encode the vector: too large");
      f16.encode(vector, key, into);
    },
  };
  const strategy = () => privacyBy("ftrl", { cohort: CLIENTS, bands: 1 });
  for (const isLive of [false, true]) {
    const handler = await handlerOf(picky, undefined, { strategy: strategy() });
    const { length } = handler.manifest;
    const { rounds } = isLive
      ? await live(handler, { client: () => ({ codecs: [picky] }) })
      : await simulated(handler);
    assertEquals(rounds.length, ROUNDS);
    for (const { bytesUp, bytesUpWhole } of rounds) {
      assertEquals(bytesUp, CLIENTS * codedBytes(f16, length));
      assertEquals(bytesUpWhole, CLIENTS * 4 * length);
    }
  }
});

/** Encoded parameters that clients evaluate. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { NativeSGDHandler, ProtocolError } from "../../../mod.ts";
import { ClientCodecs } from "../../../src/client/client_codecs.ts";
import { decodeVector, encodeVector, parseCodec } from "../../../src/codec/mod.ts";
import { type EvaluateParamsPayload, MessageCode } from "../../../src/wire/mod.ts";
import { assignmentFor } from "../../helpers/assignment.ts";
import {
  handlerOf,
  live,
  model,
  parts,
  ROUNDS,
  SEED,
  simulated,
  train,
  withPeer,
} from "../../helpers/codec_runs.ts";
import { vectorManifest } from "../../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Encodes a vector and decodes it again. */
function throughCodec(name: string, vector: Float32Array<ArrayBuffer>, round: number) {
  const codec = parseCodec(name), key = { seed: SEED, round, rank: 0 };
  const decoded = new Float32Array(vector.length);
  decodeVector(codec, encodeVector(codec, vector, key), key, decoded);
  return decoded;
}

/** Mean loss of a vector over the rows of all clients. */
async function lossOf(vector: Float32Array<ArrayBuffer>): Promise<number> {
  let sum = 0, samples = 0;
  for (const rows of parts) {
    await using handler = new NativeSGDHandler({ data: train, rows });
    await handler.setUp(model);
    handler.parameters = vector;
    const { loss, numSamples } = await handler.evaluate();
    sum += loss * numSamples;
    samples += numSamples;
  }
  return sum / samples;
}

for (const downlink of ["int4", "int8:rounding=stochastic", "eden:bits=2"]) {
  Deno.test(`figures with down ${downlink} are those of the decoded model, live and simulated`, async () => {
    const simulation = await handlerOf(undefined, downlink);
    const expected = await simulated(simulation);
    const losses = expected.rounds.map(({ loss }) => loss);
    for (const distBackend of ["memory", "tcp", "websocket"] as const) {
      const report = await live(await handlerOf(undefined, downlink), { distBackend });
      assertEquals(report.rounds.map(({ loss }) => loss), losses, distBackend);
    }
    const { parameters } = simulation;
    const reference = await lossOf(throughCodec(downlink, parameters, ROUNDS + 1));
    const { loss = NaN } = expected.final ?? {};
    assert(Math.abs(loss - reference) < 1e-5, `got ${loss}, expected ${reference}`);
    assertNotEquals(await lossOf(parameters), reference);
  });
}

for (const codecs of [["int8", "eden"], []]) {
  Deno.test(`a client that knows ${codecs.length} codecs is sent what it can read`, async () => {
    let evaluated: Float32Array<ArrayBuffer> | undefined;
    const handler = await withPeer(async (peer) => {
      await peer.join({ codecs });
      const change = Float32Array.from({ length: 40 }, (_, i) => Math.sin(i));
      const code = codecs.length > 0 ? MessageCode.CompressedUpdate : MessageCode.ParameterUpdate;
      const { round } = await peer.until(code);
      await peer.update(round, change);
      const sent = await peer.until(MessageCode.EvaluateParams);
      assertEquals(["codes" in sent, "parameters" in sent], [
        codecs.length > 0,
        codecs.length === 0,
      ]);
      evaluated = sent.parameters?.slice();
      if (sent.scales && sent.codes) {
        const coded = { scales: sent.scales, codes: sent.codes };
        evaluated = new Float32Array(40);
        const key = { seed: SEED, round: round + 1, rank: 0 };
        decodeVector(parseCodec("eden:bits=4"), coded, key, evaluated);
      }
      const payload = { round, numSamples: 1, loss: 0.5 };
      await peer.send({ code: MessageCode.EvaluateParams, payload });
      await peer.until(MessageCode.Exit);
      await peer.send({ code: MessageCode.Exit, payload: { reason: "over" } });
    }, { downlink: "eden:bits=4", evaluates: false });
    const { parameters } = handler;
    assertEquals(
      evaluated,
      codecs.length > 0 ? throughCodec("eden:bits=4", parameters, 2) : parameters,
    );
  });
}

/** Codecs of a client that has agreed on a downlink. */
async function clientCodecs(downlink: string | undefined): Promise<ClientCodecs> {
  const manifest = vectorManifest(40);
  const subModel = { others: [], fill: () => {}, whole: (sent: Float32Array<ArrayBuffer>) => sent };
  const codecs = new ClientCodecs([], subModel);
  const assignment = await assignmentFor(manifest);
  await codecs.agree({ ...assignment, seed: SEED, ...(downlink && { downlink }) }, manifest);
  return codecs;
}

const vector = Float32Array.from({ length: 40 }, (_, i) => Math.cos(i));

Deno.test("parameters to evaluate decode for the last round that there can be", async () => {
  const codecs = await clientCodecs("eden:bits=4");
  const codec = parseCodec("eden:bits=4");
  const coded = encodeVector(codec, vector, { seed: SEED, round: 0, rank: 0 });
  const payload = { round: 2 ** 32 - 1, codec: codec.name, ...coded };
  assertEquals(codecs.receiveToEvaluate(payload), {
    round: 2 ** 32 - 1,
    parameters: throughCodec("eden:bits=4", vector, 0),
  });
});

const good = {
  ...{ round: 1, codec: "int8" },
  ...encodeVector(parseCodec("int8"), vector, { seed: SEED, round: 2, rank: 0 }),
};
const { codec: _codec, ...nameless } = good, { scales: _scales, ...scaleless } = good;

for (
  const [what, downlink, fault, payload] of [
    ["a codec that was not agreed on", undefined, "wrong-codec", good],
    ["another codec", "f16", "wrong-codec", good],
    ["both forms", "int8", "invalid-field", { ...good, parameters: vector }],
    ["no scales", "int8", "shape-mismatch", scaleless],
    ["further codes", "int8", "shape-mismatch", { ...good, codes: new Uint8Array(41) }],
    ["plain values", "int8", "shape-mismatch", { ...good, plain: new Float32Array(1) }],
    ["a scale of NaN", "int8", "non-finite", { ...good, scales: new Float32Array([NaN]) }],
  ] satisfies [string, string | undefined, string, EvaluateParamsPayload][]
) {
  Deno.test(`parameters to evaluate with ${what} are refused as ${fault}`, async () => {
    const codecs = await clientCodecs(downlink);
    const error = assertThrows(() => codecs.receiveToEvaluate(payload), ProtocolError);
    assertEquals(error.fault, fault, error.message);
  });
}

Deno.test("codes without the name of a codec are no parameters", async () => {
  const codecs = await clientCodecs("int8");
  assertEquals(codecs.receiveToEvaluate(nameless).parameters, undefined);
});

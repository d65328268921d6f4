/** Updates of hand-made peers: those of the version before, and those that break a rule. */
import { assert, assertEquals } from "@std/assert";
import { encodeVector, parseCodec } from "../../../src/codec/mod.ts";
import { MessageCode } from "../../../src/wire/mod.ts";
import { SEED, withPeer } from "../../helpers/codec_runs.ts";

Deno.test.sanitizer({ ops: true, resources: true });

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
      if (fatal) return;
      await peer.until(MessageCode.Exit);
      await peer.send({ code: MessageCode.Exit, payload: { reason: "over" } });
    }, { uplink: "int8" });
    assertEquals(handler.parameters, new Float32Array(40).fill(1));
  });
}

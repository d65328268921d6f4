/** Parameters that clients have, as a server keeps them. */
import { assert, assertEquals } from "@std/assert";
import { applyDifference, codedDigest } from "../../../src/codec/difference.ts";
import { parseCodec } from "../../../src/codec/mod.ts";
import { HeldModels } from "../../../src/round/handler/held_models.ts";
import { type CodedParameters, ServerCodecs } from "../../../src/round/handler/server_codecs.ts";
import { vectorManifest } from "../../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const codecsOf = (length: number, downlink: string) =>
  new ServerCodecs({
    ...{ manifest: vectorManifest(length), model: undefined, seed: 0, uplink: undefined },
    downlink: parseCodec(downlink),
  });

/** Encoded parameters of a round. */
function codedIn(codecs: ServerCodecs, round: number, length: number): CodedParameters {
  const vector = Float32Array.from({ length }, (_, i) => Math.sin(i) + 1e-3 * round);
  const { coded } = codecs.encodeModel(vector, round);
  assert(coded);
  return coded;
}

function heldOf(codecs: ServerCodecs): HeldModels {
  const held = HeldModels.of(codecs);
  assert(held);
  return held;
}

Deno.test("no differences are sent without the codec that allows them", () => {
  assertEquals(HeldModels.of(codecsOf(10, "int8")), undefined);
  assertEquals(HeldModels.of(undefined), undefined);
});

Deno.test("clients with the same parameters and number share one message", () => {
  const codecs = codecsOf(1000, "int8+delta"), held = heldOf(codecs);
  const first = codedIn(codecs, 1, 1000), second = codedIn(codecs, 2, 1000);
  assertEquals([1, 2].map((rank) => held.messageFor(rank, first, 1)), [first, first]);
  const [one, two] = [1, 2].map((rank) => held.messageFor(rank, second, 2));
  assert(one?.base === 1 && one === two);
  assertEquals(applyDifference(parseCodec("int8"), first, one.codes).codes, second.codes);
  assertEquals(held.messageFor(3, second, 2), second, "a new client is sent all");
  held.forget(1);
  assertEquals(held.messageFor(1, second, 2), second, "one that was sent other parameters, too");
});

Deno.test("equal parameters are sent without bytes, also if they were encoded anew", () => {
  const codecs = codecsOf(1000, "int8+delta"), held = heldOf(codecs);
  held.messageFor(1, codedIn(codecs, 1, 1000), 2);
  const { base, codes } = held.messageFor(1, codedIn(codecs, 1, 1000), 2);
  assertEquals([base, codes.length], [2, 0]);
});

for (
  const [what, downlink, length, kept] of [
    ["32 versions", "int8+delta", 1000, 32],
    // Of 12 MB each.
    ["64 MiB", "f32+delta", 3_000_000, 5],
    ["two versions, however large", "f32+delta", 9_000_000, 2],
  ] as const
) {
  Deno.test(`a server keeps ${what} that clients may have`, () => {
    const codecs = codecsOf(length, downlink), held = heldOf(codecs);
    const many = kept + 2, vector = new Float32Array(length);
    for (let round = 1; round <= many; round++) {
      vector[0] = round;
      const { coded } = codecs.encodeModel(vector, round);
      assert(coded);
      held.messageFor(round, coded, round);
      if (round < many) continue;
      // The newest version is one of those that are kept.
      const bases = Array.from(
        { length: many - 1 },
        (_, i) => held.messageFor(i + 1, coded, many).base,
      );
      assertEquals(bases, bases.map((_, i) => i + 1 > many - kept ? i + 1 : undefined));
    }
  });
}

Deno.test("a client that comes back has what it names by digest and number, if the server has it", async () => {
  const codecs = codecsOf(1000, "int8+delta"), held = await HeldModels.ofServer(codecs);
  assert(held);
  const first = codedIn(codecs, 1, 1000), second = codedIn(codecs, 2, 1000);
  held.messageFor(1, first, 1);
  const holds = await codedDigest(first);
  for (
    const [claim, base] of [
      [{ base: 7, holds }, 7],
      [{ base: 1, holds: "0".repeat(64) }, undefined],
      [{ base: 1 }, undefined],
      [{ holds }, undefined],
      [{}, undefined],
    ] as const
  ) {
    held.joined(1, claim);
    assertEquals(held.messageFor(1, second, 2).base, base);
  }
});

import { assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { offeredCodecs } from "../../src/client/client_codecs.ts";
import { encodeItem, loadEncoder, needsEncoder } from "../../src/wire/cbor.ts";
import { encodeFrame } from "../../src/wire/frame.ts";
import { MessageCode } from "../../src/wire/message_code.ts";

Deno.test("A registration is encoded before cbor-x is loaded", () => {
  const payload = { rank: 1, site: "north", codecs: offeredCodecs(), agent: "fedlab-deno/1.0.0" };
  assertEquals(needsEncoder(payload), false);
  assertEquals(encodeFrame({ code: MessageCode.Registration, payload }).length, 1);
});

Deno.test("cbor-x is needed for nested maps and long texts, until it is loaded", async () => {
  const nested = { metrics: { loss: 1 } }, list = { list: [{ a: 1 }] };
  const all = [nested, list, { text: "x".repeat(100) }, { text: ["größe"] }];
  assertEquals(all.map(needsEncoder), [true, true, true, true]);
  const plain = { none: undefined, list: [null, [1, true]], codes: new Uint8Array(3) };
  assertEquals(needsEncoder(plain), false);
  assertThrows(() => encodeItem(nested), Error, "cbor-x is not loaded");
  await loadEncoder();
  assertEquals(all.map(needsEncoder), [false, false, false, false]);
});

import { assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { concat } from "../../src/base/bytes.ts";
import { outgoingPieces, releasePieces, SharedMessage } from "../../src/net/outgoing_frame.ts";
import { encodeFrame } from "../../src/wire/frame.ts";
import { loadEncoder } from "../../src/wire/cbor.ts";
import { MessageCode } from "../../src/wire/message_code.ts";

await loadEncoder();

function update(length: number, round: number) {
  const parameters = new Float32Array(length).fill(round);
  return {
    code: MessageCode.ParameterUpdate,
    payload: { round, metrics: {}, parameters },
  } as const;
}

Deno.test("Small frames are one piece, in a buffer that is used again once it is written", () => {
  const first = update(100, 1), second = update(50, 2);
  const pieces = outgoingPieces(first), others = outgoingPieces(second);
  assertEquals(pieces, [concat(encodeFrame(first))]);
  assertEquals(others, [concat(encodeFrame(second))]);
  assertNotStrictEquals(pieces[0]?.buffer, others[0]?.buffer);
  releasePieces(first, pieces);
  const third = update(70, 3), again = outgoingPieces(third);
  assertStrictEquals(again[0]?.buffer, pieces[0]?.buffer);
  assertEquals(again, [concat(encodeFrame(third))]);
  assertEquals(others, [concat(encodeFrame(second))]);
  releasePieces(second, others);
  releasePieces(third, again);
});

Deno.test("More frames at a time than there are buffers have memory of their own", () => {
  const messages = Array.from({ length: 20 }, (_, i) => update(30, i + 1));
  const frames = messages.map((message) => outgoingPieces(message));
  for (const [i, message] of messages.entries()) {
    assertEquals(frames[i], [concat(encodeFrame(message))]);
  }
  for (const [i, message] of messages.entries()) releasePieces(message, frames[i] ?? []);
});

Deno.test("A shared frame keeps its bytes when it is written", () => {
  const shared = new SharedMessage(update(40, 1));
  const expected = concat(encodeFrame(shared.message));
  const pieces = outgoingPieces(shared);
  releasePieces(shared, pieces);
  const others = [2, 3, 4, 5, 6].map((round) => outgoingPieces(update(40, round)));
  assertEquals(outgoingPieces(shared), [expected]);
  others.forEach((pieces, i) => releasePieces(update(40, i), pieces));
});

Deno.test("Shared frames leave the buffers to others", () => {
  for (let i = 0; i < 8; i++) outgoingPieces(new SharedMessage(update(40, i + 1)));
  const first = update(100, 1), pieces = outgoingPieces(first);
  releasePieces(first, pieces);
  const second = update(100, 2), again = outgoingPieces(second);
  assertStrictEquals(again[0]?.buffer, pieces[0]?.buffer);
  releasePieces(second, again);
});

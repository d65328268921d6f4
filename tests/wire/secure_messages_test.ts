import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { ProtocolError } from "../../src/base/errors.ts";
import {
  decodeBody,
  decodePrefix,
  encodeFrame,
  FIELDS_BYTES,
  type Message,
  MessageCode,
  messageName,
  PREFIX_BYTES,
} from "../../src/wire/mod.ts";
import { bodyOf, frameOf } from "../helpers/frame.ts";

const ID = { round: 1, attempt: 7 };
const KEY = new Uint8Array(32).fill(7), SIGNATURE = new Uint8Array(64).fill(9);

function refusal(code: MessageCode, payload: unknown): string {
  const body = bodyOf({ code, payload } as Message);
  return assertThrows(() => decodeBody(code, body), ProtocolError).message;
}

Deno.test("a masked update of a large model has at most 4.05 bytes a value, and no copies", () => {
  const masked = new Uint32Array(100_000 + 4);
  const code = MessageCode.MaskedUpdate, payload = { ...ID, seedDigest: KEY, masked };
  const pieces = encodeFrame({ code, payload });
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  assert(bytes <= 4.05 * 100_000, `${bytes} bytes`);
  assert(pieces.some(({ buffer, length }) => buffer === masked.buffer && length === 400_016));
  const body = bodyOf({ code, payload }), read = decodeBody(code, body).payload;
  assert("masked" in read && read.masked.buffer === body.buffer, "a view on the body");
});

Deno.test("messages of a member's neighbours are within their limits with the most of them", () => {
  const ranks = Array.from({ length: 255 }, (_, i) => 2 ** 31 + i);
  const members = ranks.map((rank) => ({
    ...{ rank, serial: 2 ** 40, maskKey: KEY, sealKey: KEY },
  }));
  const messages: Message[] = [
    { code: MessageCode.SecureMembers, payload: { ...ID, threshold: 200, members } },
    {
      code: MessageCode.SecureShares,
      payload: { ...ID, shares: ranks.map((rank) => ({ rank, box: new Uint8Array(102) })) },
    },
    {
      code: MessageCode.UnmaskRequest,
      payload: {
        ...ID,
        dropped: ranks,
        votes: ranks.map((rank) => ({ rank, signature: SIGNATURE })),
      },
    },
    {
      code: MessageCode.UnmaskShares,
      payload: { ...ID, shares: ranks.map(() => new Uint8Array(33)) },
    },
  ];
  for (const message of messages) {
    const frame = frameOf(message);
    const { bodyLength } = decodePrefix(frame);
    assert(bodyLength <= FIELDS_BYTES, `${messageName(message.code)}: ${bodyLength}`);
    assertEquals(decodeBody(message.code, frame.slice(PREFIX_BYTES)), message);
  }
});

Deno.test("decodePrefix() refuses long messages of secure aggregation before they are read", () => {
  const limits = [
    [MessageCode.SecureKeys, 1024],
    [MessageCode.SurvivorVote, 1024],
    [MessageCode.SecureMembers, 98_304],
    [MessageCode.SecureShares, FIELDS_BYTES],
    [MessageCode.UnmaskRequest, FIELDS_BYTES],
    [MessageCode.UnmaskShares, FIELDS_BYTES],
  ] as const;
  for (const [code, most] of limits) {
    const frame = frameOf({ code: MessageCode.Heartbeat, payload: {} });
    const view = new DataView(frame.buffer);
    view.setUint16(6, code, true);
    view.setBigUint64(8, BigInt(most), true);
    assertEquals(decodePrefix(frame), { code, bodyLength: most });
    view.setBigUint64(8, BigInt(most + 1), true);
    const { fault } = assertThrows(() => decodePrefix(frame), ProtocolError);
    assertEquals(fault, "frame-too-large");
  }
});

Deno.test("keys, boxes, shares and signatures of other lengths are refused by their names", () => {
  const short = new Uint8Array(31), { SecureKeys, SecureMembers } = MessageCode;
  const keys = { ...ID, serial: 1, maskKey: KEY, sealKey: KEY };
  assert(
    refusal(SecureKeys, { ...keys, maskKey: short }).includes("field maskKey expected 32, got 31"),
  );
  assert(refusal(SecureKeys, { ...keys, sealKey: new Uint8Array(33) }).includes("field sealKey "));
  assert(refusal(SecureKeys, { ...keys, signature: KEY }).includes("field signature "));
  const member = { rank: 1, serial: 1, maskKey: KEY, sealKey: short };
  assert(
    refusal(SecureMembers, { ...ID, threshold: 2, members: [member] })
      .includes("field members.0.sealKey "),
  );
  const many = Array.from({ length: 256 }, (_, i) => i + 1);
  assert(refusal(MessageCode.UnmaskRequest, { ...ID, dropped: many }).includes("field dropped "));
  assert(
    refusal(MessageCode.UnmaskShares, { ...ID, shares: [new Uint8Array(32)] })
      .includes("field shares.0 "),
  );
  assert(
    refusal(MessageCode.SecureShares, { ...ID, shares: [{ rank: 1, box: new Uint8Array(101) }] })
      .includes("field shares.0.box "),
  );
  assert(refusal(MessageCode.SurvivorVote, { ...ID, signature: KEY }).includes("field signature "));
  assert(
    refusal(MessageCode.MaskedUpdate, { ...ID, seedDigest: KEY, masked: new Float32Array(4) })
      .includes("field masked "),
  );
  assert(refusal(SecureKeys, { ...keys, attempt: 0 }).includes("field attempt "));
});

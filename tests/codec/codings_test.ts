import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { ProtocolError } from "../../src/base/errors.ts";
import { CODEC_NAMES, parseCodec } from "../../src/codec/registry.ts";
import { decodeVector, encodeVector } from "../../src/codec/coding.ts";
import { normal } from "./vectors.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const KEY = { seed: 1, round: 2, rank: 3 };

Deno.test("parseCodec() makes every codec, and its name makes the same one", () => {
  for (
    const [text, name] of [
      ["f16", "f16"],
      ["bf16", "bf16"],
      ["int8", "int8"],
      ["int8:rounding=nearest", "int8"],
      ["int4:rounding=stochastic", "int4:rounding=stochastic"],
      ["eden", "eden:bits=1"],
      ["eden:share=0.1", "eden:bits=1,share=0.1"],
      ["eden:bits=4,share=1", "eden:bits=4"],
      ["topk", "topk:share=0.05"],
      ["delta", "f32+delta"],
      ["int8:rounding=nearest+delta", "int8+delta"],
    ] as const
  ) {
    assertEquals(parseCodec(text).name, name);
    assertEquals(parseCodec(name).name, name);
  }
  assertEquals(CODEC_NAMES, ["f16", "bf16", "int8", "int4", "eden", "topk", "f32"]);
});

Deno.test("parseCodec() refuses a wrong text in one line", () => {
  for (
    const [text, message] of [
      [
        "zip",
        "Cannot make a codec: expected one of f16, bf16, int8, int4, eden, topk, f32, got zip",
      ],
      ["int8+delta+delta", "Cannot make a codec: expected one of whole vectors, got int8+delta"],
      ["f16:bits=3", "Cannot make f16: expected no options, got bits"],
      ["eden:bits=5", "Cannot make eden: expected 1 to 4 bits, got 5"],
      ["eden:bits=1.5", "Cannot make eden: expected 1 to 4 bits, got 1.5"],
      ["eden:share=0", "Cannot make eden: expected a share above 0 and at most 1, got 0"],
      ["eden:share=x", "Cannot make eden: expected share to be a number, got x"],
      ["eden:rate=1", "Cannot make eden: expected one of the options bits, share, got rate"],
      ["int8:rounding=up", "Cannot make int8: expected rounding nearest or stochastic, got up"],
      ["topk:share=2", "Cannot make topk: expected a share above 0 and at most 1, got 2"],
    ] as const
  ) assertEquals(assertThrows(() => parseCodec(text), RangeError).message, message);
  assertThrows(() => parseCodec("eden:bits"), SyntaxError, "Cannot read the codec eden:bits");
});

Deno.test("encodeVector() names what cannot be encoded", () => {
  for (
    const [text, value, message] of [
      ["f16", 65520, "as f16: expected magnitudes below 65520, got 65520"],
      ["f32", NaN, "as f32: expected finite values, got NaN"],
      ["f16", NaN, "as f16: expected magnitudes below 65520, got NaN"],
      ["int8", -Infinity, "as int8: expected finite values, got Infinity"],
      ["eden", NaN, "as eden:bits=1: expected finite values, got NaN"],
    ] as const
  ) {
    const run = () => encodeVector(parseCodec(text), new Float32Array([1, value]), KEY);
    assertEquals(
      assertThrows(run, RangeError).message,
      `Cannot encode the vector ${message}`,
    );
  }
  assertThrows(
    () => encodeVector(parseCodec("eden"), normal(8, 1), { ...KEY, rank: -1 }),
    RangeError,
    "expected a rank from 0 to 4294967295, got -1",
  );
});

Deno.test("decodeVector() names the fault, and what was expected", () => {
  const codec = parseCodec("eden"), { scales, codes } = encodeVector(codec, normal(5000, 1), KEY);
  const into = new Float32Array(5000);
  const refused = (wrong: { scales: Float32Array<ArrayBuffer>; codes: Uint8Array<ArrayBuffer> }) =>
    assertThrows(() => decodeVector(codec, wrong, KEY, into), ProtocolError).message;
  assertEquals(
    refused({ scales, codes: codes.subarray(2) }),
    "Cannot decode the vector from eden:bits=1: expected 2 scales and 640 bytes of codes for 5000 " +
      "values, got 2 scales and 638 bytes of codes",
  );
  assertEquals(
    refused({ scales: new Float32Array([1, -1]), codes }),
    "Cannot decode the vector from eden:bits=1: expected finite scales of at least 0, got -1",
  );
  assertEquals(
    refused({ scales: new Float32Array([1, 3e38]), codes }),
    "Cannot decode the vector from eden:bits=1: expected finite values, got Infinity",
  );
});

Deno.test("bf16 is the upper half of float32, rounded to nearest even", () => {
  const vector = new Float32Array([1, -2, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 2 ** -140, 3e38, 0, -0]);
  const codec = parseCodec("bf16"), coded = encodeVector(codec, vector, KEY);
  const halves = new Uint16Array(coded.codes.buffer);
  assertEquals([...halves.subarray(0, 4)], [0x3F80, 0xC000, 0x3F80, 0x3F82]);
  const decoded = new Float32Array(vector.length);
  decodeVector(codec, coded, KEY, decoded);
  decoded.forEach((value, i) => {
    const exact = vector[i] ?? NaN;
    assert(Math.abs(value - exact) <= Math.max(Math.abs(exact) * 2 ** -8, 2 ** -134));
  });
  assert(Object.is(decoded[7], -0));
  const most = new Float32Array([3.4e38]);
  assertThrows(() => encodeVector(codec, most, KEY), RangeError, "expected magnitudes below 3.39");
});

Deno.test("topk keeps the values of largest magnitude, the first of equal ones", () => {
  for (const length of [1, 2, 9, 100, 5000]) {
    for (const share of [0.01, 0.05, 0.3, 0.5, 1]) {
      const codec = parseCodec(`topk:share=${share}`);
      const vector = normal(length, 2).map((value) => Math.round(value * 20) / 8);
      const decoded = new Float32Array(length);
      const coded = encodeVector(codec, vector, KEY);
      decodeVector(codec, coded, KEY, decoded);
      const order = [...vector.keys()].sort((i, j) =>
        Math.abs(vector[j] ?? 0) - Math.abs(vector[i] ?? 0) || i - j
      );
      const expected = new Float32Array(length);
      const kept = Math.max(1, Math.round(share * length));
      for (const i of order.slice(0, kept)) expected[i] = vector[i] ?? NaN;
      assertEquals([...decoded].map((x) => x + 0), [...expected].map((x) => x + 0));
    }
  }
});

Deno.test("topk refuses positions that are too many, too few or out of order", () => {
  const codec = parseCodec("topk:share=0.1"), into = new Float32Array(1000);
  const { scales, codes } = encodeVector(codec, normal(1000, 3), KEY);
  for (const fill of [0, 0xFF, 0x11]) {
    const wrong = codes.slice().fill(fill, 51);
    const error = assertThrows(
      () => decodeVector(codec, { scales, codes: wrong }, KEY, into),
      ProtocolError,
      "expected 100 rising positions below 1000",
    );
    assertEquals(error.fault, "invalid-field");
  }
});

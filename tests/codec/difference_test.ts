/** Differences of encoded vectors, against a reference in strings of bits. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ProtocolError, Random } from "../../mod.ts";
import type { Codec, NumberFormat } from "../../src/codec/codec.ts";
import { applyDifference, encodeDifference, vectorBytes } from "../../src/codec/difference.ts";
import { encodeVector, parseCodec } from "../../src/codec/mod.ts";
import type { CodedVector } from "../../src/codec/vector_coder.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const WIDTHS = { int4: 4, int8: 8, float16: 16, float32: 32 } as const;

/** Numbers of an array as docs/PROTOCOL.md describes them. */
function numbersOf(format: NumberFormat, bytes: Uint8Array): bigint[] {
  const width = WIDTHS[format], found: bigint[] = [];
  let all = 0n;
  bytes.forEach((byte, i) => all |= BigInt(byte) << BigInt(8 * i));
  for (let at = 0; at < bytes.length * 8; at += width) {
    const word = BigInt.asUintN(width, all >> BigInt(at)), top = 1n << BigInt(width - 1);
    const isNegative = format.startsWith("float") && (word & top) !== 0n;
    found.push(isNegative ? BigInt.asIntN(width, word ^ (top - 1n)) : BigInt.asIntN(width, word));
  }
  return found;
}

function bytesOf(array: Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function arraysOf({ scales, codes, plain }: CodedVector, format: NumberFormat) {
  return [
    ["float32", bytesOf(scales)],
    [format, codes],
    ...(plain ? [["float32", bytesOf(plain)] as const] : []),
  ] as const;
}

/** Reads a difference bit by bit, and returns the arrays that it makes of others. */
function reference(codes: Uint8Array, from: CodedVector, format: NumberFormat): bigint[][] {
  const bits = [...codes].flatMap((byte) => Array.from({ length: 8 }, (_, i) => byte >> i & 1));
  let at = 0;
  const take = (count: number) => {
    let value = 0n;
    for (let i = 0; i < count; i++) value |= BigInt(bits[at++] ?? NaN) << BigInt(i);
    return value;
  };
  const result = arraysOf(from, format).map(([format, bytes]) => {
    const width = WIDTHS[format];
    let k = 0n;
    return numbersOf(format, bytes).map((before, i) => {
      if (i % 128 === 0) k = take(6);
      if (k === 32n) return before;
      let ones = 0n;
      while (ones < 24n && take(1) === 1n) ones++;
      const z = ones < 24n ? ones << k | take(Number(k)) : take(width);
      const change = z & 1n ? -((z + 1n) >> 1n) : z >> 1n;
      return BigInt.asIntN(width, before + change);
    });
  });
  assertEquals(bits.slice(at).every((bit) => bit === 0) && bits.length - at < 8, true);
  return result;
}

/** Two vectors, of which the second differs from the first by a little. */
function twoVectors(length: number, seed: number, change: number) {
  const random = new Random(seed, "test");
  const first = Float32Array.from({ length }, () => random.normal());
  // Whole blocks stay, and single values change by much.
  const second = first.map((x, i) =>
    i % 500 < 250 ? x : i % 97 === 0 ? -x * 1e3 : x + change * random.normal()
  );
  return [first, second] as const;
}

const SPECS = ["f32", "f16", "bf16", "int8", "int4", "eden:bits=4"];
for (const spec of SPECS) {
  Deno.test(`the difference of two vectors of ${spec} gives the second, also by the reference`, () => {
    const codec = parseCodec(spec), { numbers = "int8" } = codec;
    for (
      const [length, change] of [[0, 1], [1, 1], [129, 0.01], [1500, 0.001], [1501, 1]] as const
    ) {
      const key = { seed: 1, round: 1, rank: 0 };
      const [from, to] = twoVectors(length, length, change).map((vector, i): CodedVector => ({
        ...encodeVector(codec, vector, key),
        ...(length > 129 && { plain: new Float32Array([1, -0, i, NaN, -1e30]) }),
      }));
      assert(from && to);
      const codes = encodeDifference(codec, from, to);
      if (codes === undefined) continue;
      assert(length === 0 || codes.length < vectorBytes(to));
      const found = applyDifference(codec, from, codes);
      for (const [i, [, bytes]] of arraysOf(found, numbers).entries()) {
        assertEquals(bytes.toHex(), arraysOf(to, numbers)[i]?.[1].toHex(), `${length}`);
      }
      if (codes.length === 0) continue;
      const expected = arraysOf(to, numbers).map(([format, bytes]) => numbersOf(format, bytes));
      assertEquals(reference(codes, from, numbers), expected, `${length}`);
    }
  });
}

const int8 = parseCodec("int8"), key = { seed: 1, round: 1, rank: 0 };
const [one, other] = twoVectors(1000, 7, 0.02).map((x) => encodeVector(int8, x, key));
assert(one && other);

Deno.test("equal vectors have a difference without bytes", () => {
  const copy = { scales: one.scales.slice(), codes: one.codes.slice() };
  assertEquals(encodeDifference(int8, one, copy), new Uint8Array());
  assertEquals(applyDifference(int8, one, new Uint8Array()), one);
});

Deno.test("a difference that is not smaller than its vector is none", () => {
  const random = new Random(1, "test");
  const [a, b] = [0, 1].map(() => ({
    scales: new Float32Array(),
    codes: Uint8Array.from({ length: 1000 }, () => random.below(256)),
  }));
  assert(a && b);
  assertEquals(encodeDifference(int8, a, b), undefined);
});

const good = encodeDifference(int8, one, other) ?? new Uint8Array();
/** First bits of a difference whose first block has this parameter. */
const withParameter = (parameter: number) => {
  const codes = good.slice();
  codes[0] = (codes[0] ?? 0) & 0xC0 | parameter;
  return codes;
};
for (
  const [what, fault, codes] of [
    ["one byte less", "shape-mismatch", good.subarray(0, -1)],
    ["one byte", "shape-mismatch", good.subarray(0, 1)],
    ["one byte more", "shape-mismatch", new Uint8Array([...good, 0])],
    ["many bytes more", "shape-mismatch", new Uint8Array([...good, ...new Uint8Array(100)])],
    ["a bit after the last number", "invalid-field", withLastBit(good)],
    ["a parameter above 32", "invalid-field", withParameter(33)],
    ["ones alone", "invalid-field", new Uint8Array(good.length).fill(255)],
  ] as const
) {
  Deno.test(`a difference with ${what} is refused as ${fault}`, () => {
    const before = one.codes.toHex();
    const error = assertThrows(() => applyDifference(int8, one, codes), ProtocolError);
    assertEquals(error.fault, fault, error.message);
    assert(error.message.startsWith("Cannot decode the difference: ") && !/\n/.test(error.message));
    assertEquals(one.codes.toHex(), before);
  });
}

function withLastBit(codes: Uint8Array<ArrayBuffer>): Uint8Array {
  const changed = codes.slice();
  changed[codes.length - 1] = (codes.at(-1) ?? 0) | 0x80;
  assert(changed.at(-1) !== codes.at(-1), "the last bit is a filled one");
  return changed;
}

Deno.test("numbers of more bits than their format are refused", () => {
  // The first code would be 2^4 · 23 with the parameter 4 of 8 bits.
  const bits = [..."000001", /* scales */ ..."001000", ..."1".repeat(23), "0", ..."1111"];
  const codes = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, i) => codes[i >> 3] = (codes[i >> 3] ?? 0) | Number(bit) << (i & 7));
  const from = { scales: new Float32Array(1), codes: new Uint8Array(1) };
  const error = assertThrows(() => applyDifference(int8, from, codes), ProtocolError);
  assertEquals(error.message, "Cannot decode the difference: expected numbers of 8 bits, got 383");
});

Deno.test("any bytes are a vector of the right lengths or a named fault", () => {
  const random = new Random(3, "test"), formats: Codec[] = SPECS.map((spec) => parseCodec(spec));
  for (let n = 0; n < 400; n++) {
    const codec = formats[n % formats.length] ?? int8;
    const from = encodeVector(codec, twoVectors(200, n, 0.1)[0], key);
    const codes = Uint8Array.from({ length: 1 + random.below(300) }, () => random.below(256));
    // Most blocks are zeros.
    if (n % 2 === 0) codes.fill(0b00100000, 0, random.below(codes.length));
    try {
      const found = applyDifference(codec, from, codes);
      assertEquals([found.scales.length, found.codes.length], [
        from.scales.length,
        from.codes.length,
      ]);
    } catch (error) {
      assert(error instanceof ProtocolError, `${error}`);
    }
  }
});

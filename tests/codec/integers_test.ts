import { assert, assertAlmostEquals, assertEquals } from "jsr:@std/assert@1.0.19";
import { Random } from "../../src/base/random.ts";
import { codedBytes, decodeVector, encodeVector } from "../../src/codec/coding.ts";
import { int4 } from "../../src/codec/int4.ts";
import { int8 } from "../../src/codec/int8.ts";
import { type KernelBuild, useKernelBuild } from "../../src/params/kernels.ts";
import { errorOf, normal } from "./vectors.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const KEY = { seed: 5, round: 6, rank: 7 };
const CODECS = [
  { make: int8, bits: 8, block: 256 },
  { make: int4, bits: 4, block: 64 },
];
const LENGTHS = [0, 1, 7, 8, 9, 63, 64, 65, 255, 256, 257, 4095, 4097, 40_000];
const f = Math.fround;

/** Rounds to the nearest integer, ties to even. */
function nearest(value: number): number {
  const floor = Math.floor(value), rest = value - floor;
  return rest > 0.5 || rest === 0.5 && floor % 2 !== 0 ? floor + 1 : floor;
}

/** Encodes by the definition, in plain loops. */
function reference(vector: Float32Array, bits: number, block: number) {
  const most = 2 ** (bits - 1) - 1, scales: number[] = [], codes: number[] = [];
  for (let start = 0; start < vector.length; start += block) {
    const part = [...vector.subarray(start, start + block)];
    const scale = f(Math.max(...part.map(Math.abs)) / most);
    scales.push(scale);
    for (const value of part) codes.push(scale === 0 ? 0 : nearest(f(value * f(1 / scale))));
  }
  return { scales, codes };
}

/** Codes as signed integers. */
function integers(codes: Uint8Array, bits: number, length: number): number[] {
  return Array.from(
    { length },
    (_, i) =>
      bits === 8
        ? (codes[i] ?? 0) << 24 >> 24
        : ((codes[i >> 1] ?? 0) >> (4 * (i & 1))) << 28 >> 28,
  );
}

for (const build of ["simd128", "relaxed-simd"] as KernelBuild[]) {
  Deno.test(`Integers on ${build} are those of plain loops`, () => {
    useKernelBuild(build);
    try {
      for (const { make, bits, block } of CODECS) {
        for (const length of LENGTHS) {
          const vector = normal(length, 1);
          const { scales, codes } = encodeVector(make(), vector, KEY);
          const expected = reference(vector, bits, block);
          assertEquals([...scales], expected.scales);
          assertEquals(integers(codes, bits, length), expected.codes);
          const decoded = new Float32Array(length);
          decodeVector(make(), { scales, codes }, KEY, decoded);
          const values = expected.codes.map((code, i) =>
            f(code * (expected.scales[Math.floor(i / block)] ?? NaN))
          );
          assertEquals([...decoded], values.map((value) => value + 0));
        }
      }
    } finally {
      useKernelBuild("auto");
    }
  });
}

Deno.test("Stochastic codes are the floor of the value plus a seeded number", () => {
  for (const { make, bits, block } of CODECS) {
    const codec = make({ rounding: "stochastic" });
    const vector = normal(40_000, 2), { scales, codes } = encodeVector(codec, vector, KEY);
    const words = new Random(KEY.seed, "rounding", KEY);
    let word = 0;
    const expected = [...vector].map((value, i) => {
      if (i % 2 === 0) word = words.uint32();
      const draw = ((i % 2 === 0 ? word & 0xFFFF : word >>> 16) + 0.5) / 65536;
      return Math.floor(f(f(value / (scales[Math.floor(i / block)] ?? NaN)) + draw));
    });
    const most = 2 ** (bits - 1) - 1;
    assertEquals(integers(codes, bits, 40_000), expected.map((code) => Math.min(code, most)));
  }
});

Deno.test("Integers have the error of a simulation in float64", () => {
  const length = 2 ** 17, vector = normal(length, 3), random = new Random(4, "test");
  for (const { make, bits, block } of CODECS) {
    for (const rounding of ["nearest", "stochastic"] as const) {
      const simulated = new Float32Array(length);
      for (let start = 0; start < length; start += block) {
        const part = [...vector.subarray(start, start + block)];
        const scale = Math.max(...part.map(Math.abs)) / (2 ** (bits - 1) - 1);
        const codes = rounding === "nearest"
          ? part.map((value) => Math.round(value / scale))
          : part.map((value) => Math.floor(value / scale + random.uniform()));
        simulated.set(codes.map((code) => code * scale), start);
      }
      const codec = make({ rounding }), decoded = new Float32Array(length);
      decodeVector(codec, encodeVector(codec, vector, KEY), KEY, decoded);
      const found = errorOf(vector, decoded) / errorOf(vector, simulated);
      assertAlmostEquals(found, 1, 0.03, codec.name);
    }
  }
});

Deno.test("Integers follow the magnitude of their block, down to subnormal ones", () => {
  for (const { make, block } of CODECS) {
    const codec = make();
    for (const exponent of [-100, 0, 120]) {
      const vector = normal(block, 6).map((value) => value * 2 ** exponent);
      const decoded = new Float32Array(block);
      decodeVector(codec, encodeVector(codec, vector, KEY), KEY, decoded);
      assert(errorOf(vector, decoded) < 0.02);
    }
    // Scales below 2^-126 have few bits, and the smallest is 0.
    for (const most of [2 ** -149, 2 ** -147, 2 ** -140]) {
      const vector = Float32Array.from({ length: block }, (_, i) => i % 2 ? most : -most);
      const decoded = new Float32Array(block);
      decodeVector(codec, encodeVector(codec, vector, KEY), KEY, decoded);
      decoded.forEach((value, i) => {
        assert(Math.abs(value - (vector[i] ?? NaN)) <= Math.max(most, 2 ** -148));
      });
    }
  }
});

Deno.test("Integers take 8.125 and 4.5 bits a value", () => {
  assertEquals(codedBytes(int8(), 199_210), 199_210 + 4 * 779);
  assertEquals(codedBytes(int4(), 199_210), 99_605 + 4 * 3113);
  assertEquals(codedBytes(int4(), 1), 1 + 4);
});

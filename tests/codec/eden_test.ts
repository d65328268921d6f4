import { assert, assertAlmostEquals, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { philox4x32, Random } from "../../src/base/random.ts";
import { codedBytes, decodeVector, encodeVector } from "../../src/codec/coding.ts";
import type { Codec } from "../../src/codec/codec.ts";
import { eden } from "../../src/codec/eden.ts";
import { type KernelBuild, useKernelBuild } from "../../src/params/kernels.ts";
import type { ParameterVector } from "../../src/params/manifest.ts";
import { decode, encode, philox } from "./eden_reference.ts";
import { errorOf, normal } from "./vectors.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const BUILDS: readonly KernelBuild[] = ["simd128", "relaxed-simd"];
const KEY = { seed: 0xDEADBEEF, round: 12, rank: 345 };
const LENGTHS = [1, 7, 8, 9, 32, 33, 100, 1000, 4095, 4096, 4097, 9000];
/** Distortion of Lloyd and Max, by bits (Max 1960, table I). */
const DISTORTIONS = [NaN, 0.3634, 0.1175, 0.03454, 0.009497];

Deno.test("Philox has the known answers of Random123, here and in the reference", () => {
  const all = 0xFFFFFFFF;
  for (
    const [counter, key, expected] of [
      [[0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
      [[all, all, all, all], [all, all], "408f276d 41c83b0e a20bc7c6 6d5451fd"],
      [
        [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
        [0xa4093822, 0x299f31d0],
        "d16cfe09 94fdcceb 5001e420 24126ea1",
      ],
    ] as [[number, number, number, number], [number, number], string][]
  ) {
    for (const block of [philox(counter, key), philox4x32(counter, key)]) {
      assertEquals(block.map((word) => word.toString(16).padStart(8, "0")).join(" "), expected);
    }
  }
});

for (const build of BUILDS) {
  Deno.test(`EDEN on ${build} gives the bytes and the values of the reference`, () => {
    useKernelBuild(build);
    try {
      for (const bits of [1, 2, 3, 4]) {
        for (const share of [1, 0.99, 0.5, 0.03]) {
          const codec = eden({ bits, share });
          for (const length of LENGTHS) {
            const vector = normal(length, bits);
            const coded = encodeVector(codec, vector, KEY);
            const expected = encode(vector, KEY, { bits, share });
            assertEquals([...coded.codes], expected.codes);
            assertEquals([...coded.scales], expected.scales);
            const decoded = new Float32Array(length);
            decodeVector(codec, coded, KEY, decoded);
            assertEquals([...decoded], decode(coded, length, KEY, { bits, share }));
          }
        }
      }
    } finally {
      useKernelBuild("auto");
    }
  });
}

Deno.test("EDEN has the error of its theory on normal vectors", () => {
  const vector = normal(2 ** 17, 1);
  for (const bits of [1, 2, 3, 4]) {
    for (const share of [1, 0.5, 0.25, 0.1, 0.05]) {
      const codec = eden({ bits, share }), decoded = new Float32Array(vector.length);
      decodeVector(codec, encodeVector(codec, vector, KEY), KEY, decoded);
      // The kept levels are scaled by 1 / (1 - distortion) and by 1 / share.
      const theory = 1 / (1 - (DISTORTIONS[bits] ?? NaN)) / share - 1;
      assertAlmostEquals(errorOf(vector, decoded) / theory, 1, 0.03, codec.name);
    }
  }
});

Deno.test("EDEN's error does not depend on the shape of the vector", () => {
  const { uniform } = randomOf(2);
  const shapes = {
    sparse: Float32Array.from({ length: 8192 }, (_, i) => i % 100 === 0 ? uniform() : 0),
    "heavy-tailed": normal(8192, 3).map((value) => value ** 5),
    constant: new Float32Array(8192).fill(1),
  };
  for (const [shape, vector] of Object.entries(shapes)) {
    let error = 0;
    for (let round = 0; round < 20; round++) {
      const codec = eden(), key = { ...KEY, round }, decoded = new Float32Array(8192);
      decodeVector(codec, encodeVector(codec, vector, key), key, decoded);
      error += errorOf(vector, decoded) / 20;
    }
    assert(error < 0.5708 * 1.03, `${shape}: ${error}`);
  }
});

Deno.test("EDEN's mean of 10,000 codings is the vector to within a hundredth", () => {
  const heavyTailed = normal(300, 4).map((value) => value ** 3);
  // A value that is larger than the sum of the others hides them behind a single rotation.
  const dominated = new Float32Array(300).fill(0.01).fill(5, 7, 8).fill(1, 100, 102);
  for (const vector of [heavyTailed, dominated]) {
    for (const share of [1, 0.5]) {
      const rounds = share === 1 ? 10_000 : 30_000;
      const mean = meanOf(eden({ share }), vector, rounds);
      assert(Math.sqrt(errorOf(vector, mean)) < 0.01);
    }
  }
});

Deno.test("EDEN is unbiased to a hundredth where a chunk has few values", () => {
  for (const length of [1, 3, 8, 20]) {
    const vector = normal(length, length).map((value) => value ** 3);
    const error = errorOf(vector, meanOf(eden(), vector, 10_000));
    assert(Math.sqrt(error) < 0.015, `${length} values: ${Math.sqrt(error)}`);
  }
});

Deno.test("EDEN has one error at every magnitude, subnormal ones too", () => {
  const vector = normal(4096, 5), codec = eden({ bits: 2 });
  const errorAt = (factor: number) => {
    const scaled = vector.map((value) => value * factor), decoded = new Float32Array(4096);
    decodeVector(codec, encodeVector(codec, scaled, KEY), KEY, decoded);
    return errorOf(scaled, decoded);
  };
  for (const exponent of [-120, -60, -39, 39, 60, 120]) {
    assertAlmostEquals(errorAt(2 ** exponent) / errorAt(1), 1, 1e-5);
  }
  assertAlmostEquals(errorAt(2 ** -135) / errorAt(1), 1, 0.01);
  assertThrows(
    () => encodeVector(codec, new Float32Array(4096).map((_, i) => i % 2 ? 3.4e38 : -3.4e38), KEY),
    RangeError,
    "expected smaller values, got a magnitude of 3.",
  );
});

Deno.test("EDEN's lengths are known from the number of values and the share", () => {
  assertEquals(codedBytes(eden(), 199_210), 49 * (512 + 4));
  assertEquals(codedBytes(eden({ share: 0.1 }), 199_210), 49 * (52 + 4));
  assertEquals(codedBytes(eden({ bits: 3 }), 4096 + 33), 4096 * 3 / 8 + 64 * 3 / 8 + 8);
  assertEquals(codedBytes(eden({ share: 1e-9 }), 3), 1 + 4);
});

/** The mean of many decoded vectors, of different rounds. */
function meanOf(codec: Codec, vector: ParameterVector, rounds: number): Float32Array {
  const mean = new Float64Array(vector.length), decoded = new Float32Array(vector.length);
  for (let round = 0; round < rounds; round++) {
    const key = { ...KEY, round };
    decodeVector(codec, encodeVector(codec, vector, key), key, decoded);
    for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] ?? NaN) + (decoded[i] ?? NaN);
  }
  return Float32Array.from(mean, (sum) => sum / rounds);
}

function randomOf(seed: number) {
  const random = new Random(seed, "test");
  return { uniform: () => random.uniform() };
}

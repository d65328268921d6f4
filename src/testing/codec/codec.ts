import { ProtocolError } from "../../base/errors.ts";
import { Random } from "../../base/random.ts";
import type { Codec, Coded } from "../../codec/codec.ts";
import { codedBytes, decodeVector, encodeVector } from "../../codec/coding.ts";
import { Kernels } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { assert, assertEquals, assertInstanceOf, assertThrows } from "../deps.ts";
import { registerTest, type TestOptions } from "../register.ts";

/** Options of {@linkcode testCodec}. */
export interface CodecTestOptions extends TestOptions {
  /**
   * Largest relative squared error, |x - decoded|² / |x|², of a normal vector of 8192 values.
   *
   * @default {1}
   */
  readonly error?: number;
  /**
   * Tests that the mean of many decoded vectors, of different keys, is the vector.
   *
   * @default {false}
   */
  readonly unbiased?: boolean;
}

const LENGTHS = [0, 1, 2, 7, 8, 9, 63, 64, 65, 255, 256, 257, 1000, 4095, 4096, 4097, 9000];
const KEY = { seed: 7, round: 3, rank: 11 };
const MEANS = 300;

/**
 * Registers the tests that every codec passes: exact lengths, the same bytes for the same key
 * wherever the vector lies, no state, and a named fault or finite values for whatever it decodes.
 *
 * @param make Makes a codec. Its name stands in the names of the tests.
 * @param options Options of the tests.
 *
 * @example
 * ```ts ignore
 * import { eden } from "@fedlab/core/codec";
 * import { testCodec } from "@fedlab/core/testing";
 *
 * testCodec(() => eden({ bits: 1 }), { error: 0.6, unbiased: true });
 * ```
 */
export function testCodec(make: () => Codec, options: CodecTestOptions = {}): void {
  const { error = 1, unbiased = false } = options;
  const { name } = make();
  const register = registerTest(options);
  const test = (claim: string, run: () => void) =>
    register(`${name}: ${claim}`, () => {
      run();
      return Promise.resolve();
    });

  test("lengths follow from the number of values alone", () => {
    for (const length of LENGTHS) {
      const { scales, codes } = make().size(length);
      for (const count of [scales, codes]) assert(Number.isSafeInteger(count) && count >= 0);
      assertEquals(codedBytes(make(), length), 4 * scales + codes);
      assertEquals(make().size(length), { scales, codes });
    }
    assertEquals(codedBytes(make(), 0), 0);
  });

  test("the same key gives the same bytes, and the vector stays as it is", () => {
    for (const length of LENGTHS) {
      const vector = normal(length, 1), before = vector.slice();
      assertEquals(encodeVector(make(), vector, KEY), encodeVector(make(), vector, KEY));
      assertEquals(vector, before);
    }
  });

  test("a codec keeps nothing from one vector to the next", () => {
    const codec = make(), vector = normal(5000, 1);
    const coded = encodeVector(codec, vector, KEY);
    encodeVector(codec, normal(300, 2), { ...KEY, round: 4 });
    decode(codec, coded, 5000);
    assertEquals(encodeVector(codec, vector, KEY), coded);
    assertEquals(decode(codec, coded, 5000), decode(make(), coded, 5000));
  });

  test("arrays that were used before give the same bytes as new ones", () => {
    const vector = normal(4500, 1), expected = encodeVector(make(), vector, KEY);
    const used = encodeVector(make(), normal(4500, 2), KEY);
    assert(encodeVector(make(), vector, KEY, used) === used);
    assertEquals(used, expected);
    assertThrows(() => encodeVector(make(), normal(9000, 2), KEY, used), RangeError, "expected");
  });

  test("an arena gives the same bits as plain arrays", () => {
    const kernels = Kernels.create(2 ** 20);
    for (const length of LENGTHS) {
      const plain = normal(length, 3), inArena = kernels.alloc(length);
      inArena.set(plain);
      const coded = encodeVector(make(), plain, KEY);
      assertEquals(encodeVector(make(), inArena, KEY), coded);
      // Codes that a message brings lie anywhere in it.
      const codes = kernels.allocBytes(coded.codes.length + 3).subarray(3);
      codes.set(coded.codes);
      decodeVector(make(), { scales: coded.scales, codes }, KEY, inArena);
      assertEquals(bitsOf(inArena), bitsOf(decode(make(), coded, length)));
    }
  });

  test("a vector of zeros comes back", () => {
    for (const length of LENGTHS) {
      const zeros = new Float32Array(length);
      const decoded = decode(make(), encodeVector(make(), zeros, KEY), length);
      assert(decoded.every((value) => value === 0));
    }
  });

  test(`the relative squared error is at most ${error}, at any magnitude`, () => {
    for (const factor of [1, 2 ** -12, 2 ** 12]) {
      const vector = normal(8192, 4).map((value) => value * factor);
      const found = errorOf(vector, decode(make(), encodeVector(make(), vector, KEY), 8192));
      assert(found <= error, `at ${factor}: ${found}`);
    }
  });

  if (unbiased) {
    test("the mean of many decoded vectors is the vector", () => {
      // Most values are 0 or small, as those of updates are.
      const vector = normal(600, 5).map((value, i) => i % 3 === 0 ? 0 : value ** 3);
      const mean = new Float64Array(600);
      let single = 0;
      for (let round = 0; round < MEANS; round++) {
        const key = { ...KEY, round }, decoded = new Float32Array(600);
        decodeVector(make(), encodeVector(make(), vector, key), key, decoded);
        single += errorOf(vector, decoded) / MEANS;
        decoded.forEach((value, i) => mean[i] = (mean[i] ?? NaN) + value / MEANS);
      }
      const found = errorOf(vector, Float32Array.from(mean)) * MEANS / single;
      assert(found < 1.3, `${found} times the error of independent ones`);
    });
  }

  test("values that are not finite cannot be encoded", () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      for (const [length, place] of [[1, 0], [300, 299], [9000, 4500]] as const) {
        const vector = normal(length, 6);
        vector[place] = value;
        assertThrows(() => encodeVector(make(), vector, KEY), RangeError, "Cannot encode");
      }
    }
  });

  test("a vector of another length is a shape-mismatch", () => {
    const { scales, codes } = encodeVector(make(), normal(5000, 7), KEY);
    for (
      const wrong of [
        { scales, codes: codes.subarray(1) },
        { scales, codes: new Uint8Array(codes.length + 1) },
        { scales: new Float32Array(scales.length + 1), codes },
        ...(scales.length > 0 ? [{ scales: scales.subarray(1), codes }] : []),
      ]
    ) assertEquals(faultOf(() => decode(make(), wrong, 5000)), "shape-mismatch");
  });

  test("a scale that is negative or not finite is a non-finite", () => {
    const { scales, codes } = encodeVector(make(), normal(5000, 7), KEY);
    for (const scale of scales.length > 0 ? [NaN, Infinity, -1] : []) {
      const wrong = scales.slice();
      wrong[wrong.length - 1] = scale;
      assertEquals(faultOf(() => decode(make(), { scales: wrong, codes }, 5000)), "non-finite");
    }
  });

  test("any bytes are finite values or a named fault", () => {
    const random = new Random(8, "test");
    for (const length of LENGTHS) {
      const size = make().size(length);
      for (const most of [0, 1, 2 ** -149, 2 ** 120, 3.4e38]) {
        const scales = Float32Array.from({ length: size.scales }, () => random.uniform() * most);
        const codes = Uint8Array.from({ length: size.codes }, () => random.below(256));
        const into = new Float32Array(length);
        if (faultOf(() => decodeVector(make(), { scales, codes }, KEY, into)) !== undefined) {
          continue;
        }
        assert(into.every(Number.isFinite));
        const { reach } = make();
        if (reach === undefined) continue;
        const bound = scales.reduce((most, scale) => Math.max(most, reach * scale), 0);
        assert(into.every((value) => Math.abs(value) <= bound));
      }
    }
  });
}

function normal(length: number, seed: number): ParameterVector {
  const random = new Random(seed, "test");
  return Float32Array.from({ length }, () => random.normal());
}

function decode(codec: Codec, coded: Coded, length: number): ParameterVector {
  const into = new Float32Array(length).fill(NaN);
  decodeVector(codec, coded, KEY, into);
  return into;
}

/** Returns |x - decoded|² / |x|². */
function errorOf(x: Float32Array, decoded: Float32Array): number {
  let error = 0, square = 0;
  x.forEach((value, i) => {
    error += (value - (decoded[i] ?? NaN)) ** 2;
    square += value ** 2;
  });
  return error / square;
}

function bitsOf(vector: ParameterVector): Uint32Array {
  return new Uint32Array(vector.slice().buffer);
}

function faultOf(run: () => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    assertInstanceOf(error, ProtocolError);
    return error.fault;
  }
}

import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { Random } from "../../src/base/random.ts";
import {
  ExactSum,
  ExactTotal,
  exactWeight,
  type KernelBuild,
  Kernels,
  type ParameterVector,
  useKernelBuild,
} from "../../src/params/mod.ts";

const BUILDS: readonly KernelBuild[] = ["simd128", "relaxed-simd"];
const LENGTH = 37;

interface Term {
  readonly vector: ParameterVector;
  readonly weight: number;
}

/** 64 vectors with exponents from 2^-60 to 2^8, and weights to 2^20. */
function sampleTerms(random: Random, length = LENGTH): Term[] {
  return Array.from({ length: 64 }, () => ({
    vector: Float32Array.from({ length }, () => {
      const exponent = random.below(69) - 60;
      return (random.uniform() < 0.5 ? -1 : 1) * (1 + random.uniform()) * 2 ** exponent;
    }),
    weight: 1 + random.below(2 ** 20),
  }));
}

/** `weight * value` as a whole number of 2^-73, rounded to the nearest, ties to even. */
function fixedPoint(weight: number, value: number): bigint {
  // A float32 value is a whole number of 2^-149.
  const product = BigInt(weight) * BigInt(value * 2 ** 149);
  const below = 1n << 76n;
  const magnitude = product < 0n ? -product : product;
  const rest = magnitude % below;
  let whole = magnitude / below;
  if (rest * 2n > below || (rest * 2n === below && whole % 2n === 1n)) whole++;
  return product < 0n ? -whole : whole;
}

/** The bins of a saved state, each coordinate's added up as a whole number of 2^-73. */
function fixedPointOf(sum: ExactSum): bigint[] {
  const saved = new Float64Array(sum.save().buffer).subarray(16);
  return Array.from({ length: sum.length }, (_, i) => {
    const first = 12 * Math.floor(i / 4) + i % 4;
    return [0, 4, 8].reduce(
      (whole, at) => whole + BigInt((saved[first + at] ?? NaN) * 2 ** 73),
      0n,
    );
  });
}

function sumOf(terms: Iterable<Term>, length = LENGTH, like?: ParameterVector): ExactSum {
  const sum = new ExactSum(length, like);
  for (const { vector, weight } of terms) sum.add(vector, weight);
  return sum;
}

function meanOf(sum: ExactSum): ParameterVector {
  const mean = new Float32Array(sum.length);
  sum.finish(mean);
  return mean;
}

/** Adds the terms up in a random order, in random groups that are merged in a random tree. */
function inGroups(terms: readonly Term[], random: Random, like?: ParameterVector): ExactSum {
  const groups: ExactSum[] = Array.from(
    { length: 1 + random.below(9) },
    () => new ExactSum(LENGTH, random.uniform() < 0.5 ? like : undefined),
  );
  for (const k of random.permutation(terms.length)) {
    const { vector, weight } = terms[k]!;
    groups[random.below(groups.length)]!.add(vector, weight);
  }
  while (groups.length > 1) {
    const [one] = groups.splice(random.below(groups.length), 1);
    groups[random.below(groups.length)]!.merge(one!);
  }
  return groups[0]!;
}

for (const build of BUILDS) {
  Deno.test(`ExactSum gives one state for a thousand orders and groupings, in build ${build}`, () => {
    useKernelBuild(build);
    try {
      const random = new Random(18, "test", { round: 1 });
      const terms = sampleTerms(random);
      const expected = sumOf(terms).save();
      for (let i = 0; i < 1000; i++) {
        // A new arena now and then: both places of the state are tried, and both ways to merge.
        const like = i % 100 === 0 ? Kernels.create(2 ** 18, { build }).alloc(LENGTH) : undefined;
        assertEquals(inGroups(terms, random, like).save(), expected);
      }
    } finally {
      useKernelBuild("auto");
    }
  });
}

Deno.test("ExactSum is the sum in fixed point, in both builds and in every place", () => {
  for (const length of [1, 3, 4, 5, LENGTH, 2 ** 14 + 1]) {
    const terms = sampleTerms(new Random(1, "test", { round: length }), length).slice(0, 8);
    const states = BUILDS.flatMap((build) => {
      const arena = Kernels.create(2 ** 22, { build });
      const inArena = terms.map(({ vector, weight }) => {
        const place = arena.alloc(length);
        place.set(vector);
        return { vector: place, weight };
      });
      return [
        sumOf(terms, length),
        sumOf(terms, length, arena.alloc(length)),
        sumOf(inArena, length),
        sumOf(inArena, length, inArena[0]?.vector),
      ];
    });
    const expected = Array.from(
      { length },
      (_, i) =>
        terms.reduce((sum, { vector, weight }) => sum + fixedPoint(weight, vector[i] ?? NaN), 0n),
    );
    for (const sum of states) {
      assertEquals(fixedPointOf(sum), expected);
      assertEquals(sum.save(), states[0]?.save());
      assertEquals(meanOf(sum), meanOf(states[0]!));
    }
  }
});

Deno.test("ExactSum.finish() is the mean to the last bit of float32", () => {
  const terms = sampleTerms(new Random(2, "test"));
  const total = terms.reduce((sum, { weight }) => sum + weight, 0);
  const mean = meanOf(sumOf(terms));
  mean.forEach((value, i) => {
    const sum = terms.reduce((sum, t) => sum + fixedPoint(t.weight, t.vector[i] ?? NaN), 0n);
    const expected = Number(sum) / total / 2 ** 73;
    assert(Math.abs(value - expected) <= 2 ** -24 * Math.abs(expected) * (1 + 1e-8));
  });
});

Deno.test("ExactSum gives a single vector back bit for bit", () => {
  const random = new Random(3, "test");
  for (const weight of [1, 3, 600, 2 ** 20 - 1, exactWeight(1 / 7)]) {
    const vector = Float32Array.from({ length: LENGTH }, () => {
      return (random.uniform() - 0.5) * 2 ** (random.below(55) - 46);
    });
    const exact = vector.filter((value) => Math.abs(value) * Math.min(1, weight) >= 2 ** -46);
    assertEquals(meanOf(sumOf([{ vector: exact, weight }], exact.length)), exact);
  }
  const tiny = new Float32Array([2 ** -60 * 1.25, 2 ** -149]);
  const back = meanOf(sumOf([{ vector: tiny, weight: 1 }], 2));
  assertEquals([...back], [2 ** -60 * 1.25, 0]);
});

Deno.test("ExactSum refuses what is out of range before anything changes", () => {
  const sum = sumOf([{ vector: new Float32Array([1, 2]), weight: 3 }], 2);
  const before = sum.save();
  const refuse = (values: number[], weight: number, message: string) => {
    assertThrows(() => sum.add(new Float32Array(values), weight), RangeError, message);
    assertEquals(sum.save(), before);
  };
  refuse([1], 1, "expected 2 values, got 1");
  refuse([1, NaN], 1, "expected finite values, got NaN");
  refuse([-Infinity, 1], 1, "expected finite values, got Infinity");
  refuse([1, -(2 ** 38) * 1.001], 1, "at most 2^38");
  refuse([1, 2 ** 19], 2 ** 19 + 1, "at most 2^38");
  refuse([1, 1], 0, "a weight from 2^-30 to 2^38, got 0");
  refuse([1, 1], NaN, "a weight from 2^-30 to 2^38, got NaN");
  refuse([1, 1], -1, "a weight from 2^-30 to 2^38, got -1");
  refuse([1, 1], 2 ** 29 + 1, "at most 29 significant bits");
  refuse([1, 1], 1 / 3, "at most 29 significant bits");
  const large = new Float32Array([2 ** 38, -(2 ** 38)]);
  const full = sumOf(Array.from({ length: 3 }, () => ({ vector: large, weight: 1 })), 2);
  const state = full.save();
  assertThrows(() => full.add(large, 1), RangeError, "a sum of magnitudes below 2^40");
  assertThrows(() => full.merge(full), RangeError, "Cannot merge the exact sums: expected a sum");
  assertThrows(() => full.merge(new ExactSum(3)), RangeError, "expected 2 values, got 3");
  assertEquals(full.save(), state);
  assertThrows(() => new ExactSum(2).finish(new Float32Array(2)), RangeError, "divisor above 0");
});

Deno.test("ExactSum adds up to 2^24 - 1 terms", () => {
  const sum = sumOf([{ vector: new Float32Array([0.1]), weight: 1 }], 1);
  for (let i = 0; i < 23; i++) {
    sum.merge(sum);
    sum.add(new Float32Array([0.1]), 1);
  }
  assertEquals(sum.count, 2 ** 24 - 1);
  assertEquals([...meanOf(sum)], [Math.fround(0.1)]);
  const state = sum.save();
  assertThrows(() => sum.add(new Float32Array([0.1]), 1), RangeError, "fewer than 2^24 terms");
  assertEquals(sum.save(), state);
});

Deno.test("ExactSum.restore() continues a saved sum, and refuses other bytes", () => {
  const terms = sampleTerms(new Random(4, "test"));
  const whole = sumOf(terms).save();
  const half = sumOf(terms.slice(0, 20));
  const other = new ExactSum(LENGTH);
  other.restore(half.save());
  for (const { vector, weight } of terms.slice(20)) other.add(vector, weight);
  assertEquals(other.save(), whole);
  const shared = new Uint8Array(new SharedArrayBuffer(whole.length));
  assertEquals(new Uint8Array(other.save(shared)), whole);

  const refuse = (change: (numbers: Float64Array) => void, message: string) => {
    const bytes = whole.slice();
    change(new Float64Array(bytes.buffer));
    assertThrows(() => other.restore(bytes), RangeError, message);
    assertEquals([other.count, other.weight], [0, 0]);
  };
  assertThrows(() => other.restore(whole.subarray(8)), RangeError, "bytes, got");
  refuse((numbers) => numbers[0] = 36, "expected 37 values, got 36");
  for (const wrong of [NaN, Infinity, 2 ** -14, 2 ** 41]) {
    refuse((numbers) => numbers[16] = wrong, "expected its bins");
    refuse((numbers) => numbers[1] = wrong, "expected its bins");
  }
  refuse((numbers) => numbers[5] = -1, "expected its bins");
  refuse((numbers) => numbers[4] = NaN, "expected its bins");
});

Deno.test("exactWeight() rounds to 29 significant bits", () => {
  for (const weight of [1, 3, 600, 2 ** 29 - 1, 2 ** 38, 2 ** -30]) {
    assertEquals(exactWeight(weight), weight);
  }
  const random = new Random(5, "test");
  for (let i = 0; i < 1000; i++) {
    const weight = (1 + random.uniform()) * 2 ** (random.below(60) - 28);
    const unit = 2 ** (Math.floor(Math.log2(weight)) - 28);
    const rounded = exactWeight(weight);
    assert(Number.isInteger(rounded / unit), "more than 29 bits");
    assert(Math.abs(rounded - weight) <= unit / 2, "not the nearest");
  }
});

Deno.test("ExactTotal is the sum of its numbers in every order", () => {
  const random = new Random(6, "test");
  const numbers = Array.from({ length: 100 }, () => {
    return (random.uniform() - 0.5) * 2 ** (random.below(90) - 60);
  });
  const totalOf = (order: Iterable<number>) => {
    const total = new ExactTotal();
    for (const i of order) total.add(numbers[i] ?? NaN);
    return total;
  };
  const expected = totalOf(numbers.keys());
  for (let i = 0; i < 100; i++) {
    const order = [...random.permutation(numbers.length)], cut = random.below(numbers.length);
    const total = totalOf(order.slice(0, cut));
    total.merge(totalOf(order.slice(cut)));
    assertEquals(total.save(), expected.save());
    assertEquals(total.value, expected.value);
  }
  assertThrows(() => expected.add(2 ** 39), RangeError, "terms of at most 2^38, got 549755813888");
});

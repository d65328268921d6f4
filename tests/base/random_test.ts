import { assert, assertEquals, assertNotEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { philox4x32, Random } from "../../src/base/random.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const draws = (random: Random, count: number): number[] =>
  Array.from({ length: count }, () => random.uint32());

Deno.test("philox4x32() gives the known answers of its authors' Random123 library", () => {
  const ones = 0xFFFFFFFF;
  assertEquals(
    philox4x32([0, 0, 0, 0], [0, 0]),
    [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8],
  );
  assertEquals(
    philox4x32([ones, ones, ones, ones], [ones, ones]),
    [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD],
  );
  assertEquals(
    philox4x32([0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0]),
    [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
  );
});

Deno.test("philox4x32() agrees with its definition in whole numbers of any size", () => {
  const mask = 0xFFFFFFFFn;
  let state = 1n;
  const next = () =>
    Number((state = (state * 6364136223846793005n + 1n) & (2n ** 64n - 1n)) >> 32n);
  for (let i = 0; i < 200; i++) {
    const counter: [number, number, number, number] = [next(), next(), next(), next()];
    const key: [number, number] = [next(), next()];
    let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
    let [k0, k1] = key.map(BigInt) as [bigint, bigint];
    for (let round = 0; round < 10; round++) {
      const product0 = 0xD2511F53n * c0, product1 = 0xCD9E8D57n * c2;
      [c0, c1, c2, c3] = [
        (product1 >> 32n) ^ c1 ^ k0,
        product1 & mask,
        (product0 >> 32n) ^ c3 ^ k1,
        product0 & mask,
      ];
      k0 = (k0 + 0x9E3779B9n) & mask;
      k1 = (k1 + 0xBB67AE85n) & mask;
    }
    assertEquals(philox4x32(counter, key), [c0, c1, c2, c3].map(Number));
  }
});

Deno.test("Random gives the same numbers for the same key", () => {
  const open = () => new Random(4294967295, "cohort", { round: 3, rank: 2 });
  assertEquals(draws(open(), 100), draws(open(), 100));
});

Deno.test("Random gives other numbers for another seed, purpose, round or rank", () => {
  const streams = [
    new Random(1, "cohort"),
    new Random(2, "cohort"),
    new Random(1, "noise"),
    new Random(1, "cohort", { round: 1 }),
    new Random(1, "cohort", { rank: 1 }),
    new Random(1, "cohort", { round: 1, rank: 1 }),
  ].map((random) => draws(random, 64));
  // A stream that is another one shifted would share numbers too, and 384 numbers of 2^32 do not
  // meet by chance.
  assertEquals(new Set(streams.flat()).size, 6 * 64);
});

Deno.test("Random streams of the same key are unmoved by one another", () => {
  const alone = draws(new Random(5, "test"), 10);
  const a = new Random(5, "test"), b = new Random(5, "noise");
  const mixed = Array.from({ length: 10 }, () => (b.uniform(), a.uint32()));
  assertEquals(mixed, alone);
});

Deno.test("Random refuses a seed that is not a 32-bit whole number", () => {
  for (const seed of [-1, 1.5, 2 ** 32, NaN, Infinity]) {
    assertThrows(() => new Random(seed, "test"), RangeError, `got ${seed}`);
  }
});

Deno.test("uniform() stays in [0, 1) with the mean and variance of the uniform distribution", () => {
  const random = new Random(11, "test");
  const n = 100_000;
  let sum = 0, squares = 0;
  for (let i = 0; i < n; i++) {
    const x = random.uniform();
    assert(x >= 0 && x < 1);
    sum += x;
    squares += x * x;
  }
  const mean = sum / n;
  // Four standard errors: sqrt(1/12/n) for the mean, sqrt(1/180/n) for the variance.
  assert(Math.abs(mean - 1 / 2) < 4 * Math.sqrt(1 / 12 / n), `mean ${mean}`);
  assert(Math.abs(squares / n - mean * mean - 1 / 12) < 4 * Math.sqrt(1 / 180 / n));
});

Deno.test("below() makes each number equally likely", () => {
  // 99.9% points of the chi-square distribution with limit - 1 degrees of freedom.
  for (const [limit, critical] of [[2, 10.83], [7, 22.46], [10, 27.88]] as const) {
    const counts = new Array<number>(limit).fill(0);
    const random = new Random(13, "test");
    const n = 70_000;
    for (let i = 0; i < n; i++) {
      const draw = random.below(limit);
      counts[draw] = (counts[draw] ?? NaN) + 1;
    }
    const expected = n / limit;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    assert(chiSquare < critical, `chi-square ${chiSquare} of limit ${limit}`);
  }
});

Deno.test("below() has no bias where the limit does not divide 2^32", () => {
  // Taking the remainder alone would give the lower half of this range twice as often as the upper.
  const limit = 3 * 2 ** 30;
  const random = new Random(17, "test");
  const n = 20_000;
  let low = 0;
  for (let i = 0; i < n; i++) if (random.below(limit) < 2 ** 30) low++;
  assert(Math.abs(low / n - 1 / 3) < 4 * Math.sqrt(2 / 9 / n), `share ${low / n}`);
});

Deno.test("below() covers limits 1 and 2^32 and refuses others", () => {
  assertEquals(new Random(1, "test").below(1), 0);
  assertEquals(new Random(1, "test").below(2 ** 32), new Random(1, "test").uint32());
  for (const limit of [0, -1, 1.5, 2 ** 32 + 1, NaN]) {
    assertThrows(() => new Random(1, "test").below(limit), RangeError, `got ${limit}`);
  }
});

Deno.test("normal() has the moments of the standard normal distribution", () => {
  const random = new Random(19, "noise");
  const n = 100_000;
  const moments = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const x = random.normal();
    assert(Number.isFinite(x));
    for (let k = 0; k < 4; k++) moments[k] = (moments[k] ?? NaN) + x ** (k + 1) / n;
  }
  const [mean = NaN, second = NaN, third = NaN, fourth = NaN] = moments;
  // Four standard errors of the raw moments: their variances are 1, 2, 15 and 96, over n.
  assert(Math.abs(mean) < 4 * Math.sqrt(1 / n), `mean ${mean}`);
  assert(Math.abs(second - 1) < 4 * Math.sqrt(2 / n), `variance ${second}`);
  assert(Math.abs(third) < 4 * Math.sqrt(15 / n), `third moment ${third}`);
  assert(Math.abs(fourth - 3) < 4 * Math.sqrt(96 / n), `fourth moment ${fourth}`);
});

Deno.test("normal() draws are independent of the one before", () => {
  const random = new Random(23, "noise");
  const n = 50_000;
  let last = random.normal(), product = 0;
  for (let i = 0; i < n; i++) {
    const x = random.normal();
    product += x * last / n;
    last = x;
  }
  assert(Math.abs(product) < 4 * Math.sqrt(1 / n), `correlation ${product}`);
});

Deno.test("permutation() holds every number once and moves them", () => {
  for (const length of [0, 1, 2, 1000]) {
    const order = new Random(3, "batch-order").permutation(length);
    assertEquals([...order].sort((a, b) => a - b), Array.from({ length }, (_, i) => i));
  }
  const order = new Random(3, "batch-order").permutation(1000);
  assertNotEquals([...order], [...order].sort((a, b) => a - b));
});

Deno.test("permutation() makes every order equally likely", () => {
  const counts = new Map<string, number>();
  const random = new Random(29, "test");
  const n = 24_000;
  for (let i = 0; i < n; i++) {
    const order = random.permutation(4).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assertEquals(counts.size, 24);
  const chiSquare = [...counts.values()].reduce(
    (sum, count) => sum + (count - 1000) ** 2 / 1000,
    0,
  );
  // 99.9% point with 23 degrees of freedom.
  assert(chiSquare < 49.73, `chi-square ${chiSquare}`);
});

Deno.test("shuffle() works in place on any array", () => {
  const words = ["a", "b", "c"];
  assert(new Random(1, "test").shuffle(words) === words);
  assertEquals(words.toSorted(), ["a", "b", "c"]);
});

Deno.test("sample() draws different items, each equally likely, and leaves the list alone", () => {
  const items = [1, 2, 3, 4, 5];
  const random = new Random(31, "cohort");
  const counts = new Map(items.map((item) => [item, 0]));
  const n = 10_000;
  for (let i = 0; i < n; i++) {
    const drawn = random.sample(items, 2);
    assert(drawn.length === 2 && drawn[0] !== drawn[1]);
    for (const item of drawn) counts.set(item, (counts.get(item) ?? NaN) + 1);
  }
  assertEquals(items, [1, 2, 3, 4, 5]);
  for (const [item, count] of counts) {
    assert(
      Math.abs(count / n - 2 / 5) < 4 * Math.sqrt(6 / 25 / n),
      `share of ${item}: ${count / n}`,
    );
  }
});

Deno.test("sample() can draw all and none, and refuses more than there are", () => {
  const random = new Random(1, "cohort");
  assertEquals(random.sample(["a", "b", "c"], 3).toSorted(), ["a", "b", "c"]);
  assertEquals(random.sample(["a"], 0), []);
  for (const count of [4, -1, 0.5, NaN]) {
    assertThrows(() => random.sample([1, 2, 3], count), RangeError, `got ${count}`);
  }
});

import {
  assertAlmostEquals,
  assertEquals,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import { Dataset } from "../../src/data/dataset.ts";
import { Standardizer } from "../../src/data/standardizer.ts";

Deno.test.sanitizer({ ops: true, resources: true });

function rows(features: number[], width: number): Dataset {
  return new Dataset(
    Float32Array.from(features),
    new Int32Array(features.length / width),
    [width],
    1,
  );
}

Deno.test("Standardizer finds the mean and deviation of 1 to n, and of large values close together", () => {
  const n = 101;
  const data = rows(
    Array.from({ length: n }, (_, i) => [i + 1, 2 ** 23 + (i % 2), -7]).flat(),
    3,
  );
  const { mean, deviation } = Standardizer.fit(data).toJSON();
  // Of 1 to n: mean (n + 1) / 2, variance (n^2 - 1) / 12. Of a share p of ones: variance p (1 - p).
  assertAlmostEquals(mean[0] ?? 0, (n + 1) / 2, 1e-12);
  assertAlmostEquals(deviation[0] ?? 0, Math.sqrt((n * n - 1) / 12), 1e-12);
  const share = 50 / 101;
  assertAlmostEquals(mean[1] ?? 0, 2 ** 23 + share, 1e-8);
  assertAlmostEquals(deviation[1] ?? 0, Math.sqrt(share * (1 - share)), 1e-8);
  assertEquals([mean[2], deviation[2]], [-7, 0]);
});

Deno.test("Standardizer gives all pixels of an image's channel one mean and deviation", () => {
  // Two images of one row and two pixels: channel 0 holds 1 to 4, channel 1 is constant.
  const images = new Dataset(
    Float32Array.of(1, 7, 2, 7, 3, 7, 4, 7),
    new Int32Array(2),
    [1, 2, 2],
    1,
  );
  const { mean, deviation } = Standardizer.fit(images).toJSON();
  assertEquals(mean, [2.5, 7, 2.5, 7]);
  // Of 1 to n the variance is (n^2 - 1) / 12.
  assertEquals(deviation, [Math.sqrt(15 / 12), 0, Math.sqrt(15 / 12), 0]);
});

Deno.test("Standardizer applies what it learned to other data; what was constant is 0", () => {
  const standardizer = Standardizer.fit(rows([1, 5, 3, 5], 2));
  const test = rows([4, 9, 2, 5], 2);
  assertEquals([...standardizer.apply(test).features], [2, 0, 0, 0]);
  assertEquals([...test.features], [4, 9, 2, 5]);
});

Deno.test("Standardizer makes a copy that workers share where the data are shared", () => {
  const data = rows([1, 2, 3, 4], 2).share();
  const standardized = Standardizer.fit(data).apply(data);
  assertNotStrictEquals(standardized, data);
  assertStrictEquals(standardized.share(), standardized);
});

Deno.test("Standardizer is the same after a way through JSON", () => {
  const train = rows([0.1, -3, 7.7, 4, 0, 1e6], 2);
  const first = Standardizer.fit(train);
  const second = Standardizer.from(JSON.parse(JSON.stringify(first)));
  assertEquals(second.apply(train), first.apply(train));
  assertEquals(second.toJSON(), first.toJSON());
});

Deno.test("Standardizer refuses what does not fit", () => {
  assertThrows(
    () => Standardizer.fit(rows([], 2)),
    RangeError,
    "expected rows to learn from, got 0",
  );
  assertThrows(
    () => Standardizer.fit(rows([1, 2], 2)).apply(rows([1, 2, 3], 3)),
    RangeError,
    "expected rows of 2 features, got 3",
  );
  for (const value of [NaN, Infinity, -Infinity]) {
    const harmed = rows([1, 5, 2, value], 2);
    const message = `got ${value} in row 1`;
    assertThrows(() => Standardizer.fit(harmed), RangeError, message);
    for (const deviation of [0, 1]) {
      const standardizer = Standardizer.from({ mean: [0, 0], deviation: [deviation, deviation] });
      assertThrows(() => standardizer.apply(harmed), RangeError, message);
    }
  }
  assertThrows(
    () => Standardizer.from({ mean: [0], deviation: [1e-30] }).apply(rows([1, 1e10], 1)),
    RangeError,
    "got 10000000000 in row 1, which becomes 9.99",
  );
  for (
    const state of [null, {}, { mean: [1] }, { mean: [1], deviation: [1, 2] }, {
      mean: ["1"],
      deviation: [1],
    }]
  ) {
    assertThrows(() => Standardizer.from(state), TypeError, "mean and deviation");
  }
  for (const [mean, deviation] of [[NaN, 1], [0, -1], [0, Infinity]]) {
    assertThrows(
      () => Standardizer.from({ mean: [mean], deviation: [deviation] }),
      RangeError,
      `got ${mean} and ${deviation} for feature 0`,
    );
  }
});

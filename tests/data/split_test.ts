import { assertEquals, assertNotEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { Dataset } from "../../src/data/dataset.ts";
import { holdOut, trainTestSplit } from "../../src/data/split.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Data whose row `i` has features `[i, -i]` and label `i % 3`, so that mixed-up rows show. */
function numbered(rows: number): Dataset {
  const features = Float32Array.from({ length: 2 * rows }, (_, i) => i % 2 ? -(i - 1) / 2 : i / 2);
  return new Dataset(features, Int32Array.from({ length: rows }, (_, i) => i % 3), [2], 3);
}

const ids = (data: Dataset): number[] => [...data.features].filter((_, i) => i % 2 === 0);

Deno.test("trainTestSplit() puts every row, whole, in one of the two sets", () => {
  const { train, test } = trainTestSplit(numbered(100), { seed: 1, testCount: 30 });
  assertEquals([train.length, test.length], [70, 30]);
  assertEquals(
    [...ids(train), ...ids(test)].sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, i) => i),
  );
  for (const set of [train, test]) {
    assertEquals([set.shape, set.numClasses], [[2], 3]);
    ids(set).forEach((id, row) => {
      assertEquals(set.features[2 * row + 1], id === 0 ? -0 : -id);
      assertEquals(set.labels[row], id % 3);
    });
  }
});

Deno.test("trainTestSplit() depends on its seed and on nothing else", () => {
  const split = (seed: number) => ids(trainTestSplit(numbered(100), { seed }).test);
  assertEquals(split(1), split(1));
  assertNotEquals(split(1), split(2));
});

Deno.test("trainTestSplit() rounds a fraction to whole rows, a sixth by default", () => {
  const sizes = (options: { testFraction?: number }) =>
    trainTestSplit(numbered(100), { seed: 1, ...options }).test.length;
  assertEquals(sizes({}), 17);
  assertEquals(sizes({ testFraction: 0.25 }), 25);
  assertEquals(sizes({ testFraction: 0.006 }), 1);
});

Deno.test("trainTestSplit() takes a count of 1 for one row", () => {
  assertEquals(trainTestSplit(numbered(2), { seed: 1, testCount: 1 }).test.length, 1);
});

Deno.test("trainTestSplit() refuses what would leave a set empty", () => {
  const data = numbered(10);
  for (const testCount of [0, -1, 10, 11, 2.5, NaN]) {
    assertThrows(
      () => trainTestSplit(data, { seed: 1, testCount }),
      RangeError,
      `1 to 9 test rows of 10, got ${testCount}`,
    );
  }
  for (const testFraction of [0, 1, -0.1, 2, NaN]) {
    assertThrows(
      () => trainTestSplit(data, { seed: 1, testFraction }),
      RangeError,
      `got ${testFraction}`,
    );
  }
  assertThrows(() => trainTestSplit(data, { seed: 1, testFraction: 0.01 }), RangeError, "got 0");
  assertThrows(() => trainTestSplit(numbered(1), { seed: 1 }), RangeError);
});

Deno.test("trainTestSplit() refuses a count together with a fraction", () => {
  assertThrows(
    () => trainTestSplit(numbered(10), { seed: 1, testCount: 2, testFraction: 0.2 }),
    TypeError,
    "got both",
  );
});

Deno.test("holdOut() gives each row once, in order, another choice for each client and seed", () => {
  const rows = Uint32Array.from({ length: 40 }, (_, i) => 3 * i + 7);
  const split = (seed: number, index: number) => holdOut(rows, { share: 0.26, seed, index });
  const { train, test } = split(1, 1);
  assertEquals([train.length, test.length], [30, 10]);
  assertEquals(Uint32Array.from([...train, ...test]).sort(), rows);
  for (const part of [train, test]) assertEquals(part.slice().sort(), part);
  assertEquals(split(1, 1), { train, test });
  for (const other of [split(1, 2), split(2, 1)]) assertNotEquals(other.test, test);
});

Deno.test("holdOut() leaves a row on either side, and refuses what cannot be split", () => {
  const count = (length: number, share: number) =>
    holdOut(new Uint32Array(length), { share, seed: 1, index: 1 }).test.length;
  assertEquals([count(2, 0.01), count(2, 0.99), count(3, 0.5)], [1, 1, 2]);
  for (const share of [0, 1, NaN]) {
    assertThrows(() => count(5, share), RangeError, `a share between 0 and 1, got ${share}`);
  }
  assertThrows(() => count(1, 0.5), RangeError, "of part 1: expected at least 2 rows, got 1");
});

Deno.test("new Dataset() takes whole numbers of classes alone, and none only where there are no rows", () => {
  const make = (rows: number, numClasses: number) =>
    new Dataset(new Float32Array(rows), new Int32Array(rows), [1], numClasses);
  for (const numClasses of [NaN, 2.5, Infinity, 0, -1]) {
    assertThrows(
      () => make(2, numClasses),
      RangeError,
      `Cannot make a data set: expected a whole number of classes from 1, got ${numClasses}`,
    );
  }
  assertEquals([make(0, 0).numClasses, make(2, 1).numClasses], [0, 1]);
  assertThrows(() => make(0, NaN), RangeError, "classes from 0, got NaN");
});

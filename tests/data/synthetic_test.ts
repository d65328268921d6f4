import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import { loadDataset, partition } from "../../mod.ts";
import { Random } from "../../src/base/random.ts";
import { fillNormal } from "../../src/base/normal_fill.ts";
import { syntheticDataset } from "../../src/data/catalog/synthetic.ts";
import { sha256Hex } from "../../src/base/hash.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Share of the normal distribution below a value, by numeric integration of its density. */
function normalShare(value: number): number {
  let sum = 0;
  for (let x = -9 + 0.0005; x < value; x += 0.001) sum += Math.exp(-x * x / 2);
  return sum * 0.001 / Math.sqrt(2 * Math.PI);
}

Deno.test("fillNormal() draws from the standard normal distribution, the same for the same stream", () => {
  const values = new Float32Array(1_000_001);
  fillNormal(values, new Random(3, "test"));
  const { length } = values;
  const moment = (power: number) => values.reduce((sum, x) => sum + x ** power, 0) / length;
  // Five standard errors: the variances of x, x², x³ and x⁴ are 1, 2, 15 and 96.
  const error = (variance: number) => 5 * Math.sqrt(variance / length);
  assertAlmostEquals(moment(1), 0, error(1));
  assertAlmostEquals(moment(2), 1, error(2));
  assertAlmostEquals(moment(3), 0, error(15));
  assertAlmostEquals(moment(4), 3, error(96));
  const sorted = values.toSorted();
  for (const x of [-3, -2, -1, -0.3, 0, 0.3, 1, 2, 3]) {
    const share = sorted.findLastIndex((value) => value <= x) / length, p = normalShare(x);
    assertAlmostEquals(share, p, 5 * Math.sqrt(p * (1 - p) / length));
  }
  let product = 0;
  for (let i = 1; i < length; i++) product += (values[i - 1] ?? 0) * (values[i] ?? 0);
  assertAlmostEquals(product / length, 0, error(1));
  const again = new Float32Array(1000);
  fillNormal(again, new Random(3, "test"));
  assertEquals(again, values.subarray(0, 1000));
  fillNormal(again, new Random(4, "test"));
  assert(again.every((value, i) => value !== values[i]));
});

Deno.test("a synthetic data set has Gaussian classes of equal size and covariance around their means", () => {
  const width = 5, classes = 3;
  const { train, test } = syntheticDataset(
    `synthetic:rows=60000,features=${width},classes=${classes}`,
  );
  assertEquals([train.length, test?.length, train.numClasses], [60_000, 6000, classes]);
  assertEquals(train.shape, [width]);
  const counts = new Float64Array(classes), means = new Float64Array(classes * width);
  train.labels.forEach((label, row) => {
    counts[label] = (counts[label] ?? 0) + 1;
    for (let k = 0; k < width; k++) {
      const at = label * width + k;
      means[at] = (means[at] ?? 0) + (train.features[row * width + k] ?? 0);
    }
  });
  for (const count of counts) {
    assertAlmostEquals(count, 20_000, 5 * Math.sqrt(60_000 * 2 / 9));
  }
  means.forEach((sum, i) => means[i] = sum / (counts[Math.floor(i / width)] ?? 1));
  const residue = (row: number, k: number) =>
    (train.features[row * width + k] ?? 0) - (means[(train.labels[row] ?? 0) * width + k] ?? 0);
  for (let j = 0; j < width; j++) {
    for (let k = 0; k <= j; k++) {
      let sum = 0;
      for (let row = 0; row < train.length; row++) sum += residue(row, j) * residue(row, k);
      assertAlmostEquals(sum / train.length, j === k ? 1 : 0, 5 * Math.sqrt(2 / train.length));
    }
  }
});

Deno.test("the means of two classes are 3 apart in the root mean square over the seeds", () => {
  let sum = 0;
  const seeds = 200, width = 8;
  for (let seed = 0; seed < seeds; seed++) {
    const { train } = syntheticDataset(
      `synthetic:rows=400,features=${width},classes=2,test=0,seed=${seed}`,
    );
    for (let k = 0; k < width; k++) {
      const of = (wanted: number) => {
        const own = Array.from(train.labels.keys().filter((row) => train.labels[row] === wanted));
        return own.reduce((all, row) => all + (train.features[row * width + k] ?? 0), 0) /
          own.length;
      };
      // The noise of two means of about 200 rows.
      sum += (of(0) - of(1)) ** 2 - 2 / 200;
    }
  }
  // The squared distance is 9 / 8 times a χ² of 8 degrees, whose deviation is 4.
  assertAlmostEquals(sum / seeds, 9, 5 * 9 / 8 * 4 / Math.sqrt(seeds));
});

Deno.test("the rows of a synthetic data set follow from its seed, whatever the rows to test on", async () => {
  const digest = (options: string) => {
    const { train } = syntheticDataset(`synthetic:rows=500,features=4,classes=3${options}`);
    return sha256Hex(Float32Array.from(train.features));
  };
  assertEquals(await digest(""), await digest(",seed=0"));
  assertEquals(await digest(",test=7"), await digest(",test=0"));
  assert(await digest(",seed=1") !== await digest(""));
  // The numbers are the same in every version and on every machine.
  assertEquals((await digest("")).slice(0, 16), "2f02eec7b736a74f");
});

Deno.test("loadDataset() draws a synthetic data set, with a tenth as many rows to test on", async () => {
  const { train, test, name } = await loadDataset("synthetic:rows=1e3, features=2, classes=2");
  assertEquals([train.length, test?.length], [1000, 100]);
  assertEquals(name, "synthetic:rows=1e3, features=2, classes=2");
  const large = await loadDataset("synthetic:rows=300000,features=1,classes=2");
  assertEquals(large.test?.length, 10_000);
  const shared = await loadDataset("synthetic:rows=5,features=2,classes=2,test=0");
  assertEquals(shared.test, undefined);
  assert(shared.train.share().features === shared.train.features);
  const split = await loadDataset("synthetic:rows=10,features=2,classes=2,test=0", {
    testShare: 0.3,
  });
  assertEquals([split.train.length, split.test?.length], [7, 3]);
});

Deno.test("a synthetic data set with wrong options is refused in one line that names them", async () => {
  const usage = "synthetic:rows=ROWS,features=COUNT,classes=COUNT[,test=ROWS][,seed=SEED]";
  const cases: [options: string, part: string][] = [
    ["", usage],
    [":", "got nothing"],
    [":rows=5", usage],
    [":rows=5,features=2", usage],
    [":rows=0,features=2,classes=2", "rows to be a whole number from 1"],
    [":rows=1.5,features=2,classes=2", "rows to be a whole number from 1"],
    [":rows=-5,features=2,classes=2", "rows to be a whole number from 1"],
    [":rows=many,features=2,classes=2", "expected rows to be a number, got many"],
    [":rows=Infinity,features=2,classes=2", "rows to be a whole number from 1"],
    [":rows=5,features=0,classes=2", "features to be a whole number from 1"],
    [":rows=5,features=2,classes=1", "classes to be a whole number from 2"],
    [":rows=5,features=2,classes=70000", "classes to be a whole number from 2"],
    [":rows=5,features=2,classes=2,test=-1", "test to be a whole number from 0"],
    [":rows=5,features=2,classes=2,seed=4294967296", "seed to be a whole number from 0"],
    [":rows=5,features=2,classes=2,colour=3", "got colour"],
    [":rows=5,rows=6,features=2,classes=2", "got rows=6"],
    [":rows=5 features=2", "got rows=5 features=2"],
    [":rows=67108864,features=100,classes=2", "at most 1073741824 values, got 67118866"],
    [":rows=5,features=900000000,classes=2", "at most 1073741824 values"],
  ];
  for (const [options, part] of cases) {
    const error = await assertRejects(() => loadDataset(`synthetic${options}`), Error, part);
    assertEquals(error.message.includes("\n"), false);
    assert(error.message.startsWith("Cannot "), error.message);
  }
});

Deno.test("a partition refuses more clients than a synthetic data set has rows", async () => {
  const { train } = await loadDataset("synthetic:rows=50,features=2,classes=2");
  assertThrows(
    () => partition("iid", train, { parts: 51, seed: 1 }),
    RangeError,
    "Cannot partition the data: expected at least one row for each of 51 pieces, got 50 rows",
  );
});

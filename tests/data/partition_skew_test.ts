import { assert, assertEquals, assertNotEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { createHash } from "node:crypto";
import {
  addFeatureNoise,
  Dataset,
  digits,
  parsePartition,
  type Partition,
  partition,
  partitionDirichlet,
  partitionDirichletSizes,
  partitionIds,
  partitionLabels,
  partitionLogNormal,
  partitionPowerLaw,
} from "../../src/data/mod.ts";
import {
  assertCovers,
  assertNear,
  labelsOfTen,
  moments,
  sizesOf,
  spread,
} from "../helpers/partition.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Counts the rows of each of ten labels in each part. */
function tally(parts: Partition, labels: Int32Array): number[][] {
  return parts.map((rows) => {
    const counts = new Array<number>(10).fill(0);
    for (const row of rows) counts[labels[row] ?? 0] = (counts[labels[row] ?? 0] ?? NaN) + 1;
    return counts;
  });
}

Deno.test("partitionLabels() gives each part exactly so many labels, and shares a label evenly", () => {
  const even = labelsOfTen(2000);
  // Label 0 has half of the rows.
  const uneven = Int32Array.from(
    { length: 2000 },
    (_, row) => row < 1000 ? 0 : 1 + (row % 9),
  );
  for (const labels of [even, uneven]) {
    for (const [parts, labelsPerPart] of [[5, 2], [10, 1], [10, 10], [30, 3], [50, 2]] as const) {
      const dealt = partitionLabels(labels, parts, { seed: 3, labelsPerPart });
      assertCovers(dealt, labels.length);
      const counts = tally(dealt, labels);
      for (const own of counts) {
        assertEquals(own.filter((count) => count > 0).length, labelsPerPart);
      }
      for (let label = 0; label < 10; label++) {
        const shares = counts.map((own) => own[label] ?? 0).filter((count) => count > 0);
        assert(Math.max(...shares) - Math.min(...shares) <= 1);
      }
    }
  }
});

Deno.test("partitionLabels() makes equal parts of equal classes", () => {
  assertEquals(spread(partitionLabels(labelsOfTen(2000), 20, { seed: 3 })), 0);
});

Deno.test("partitionLabels() lets any two labels meet", () => {
  const labels = labelsOfTen(6000);
  const pairs = new Set(
    tally(partitionLabels(labels, 600, { seed: 1 }), labels).map((own) =>
      own.flatMap((count, label) => count > 0 ? [label] : []).join()
    ),
  );
  assertEquals(pairs.size, 45);
});

Deno.test("partitionLabels() refuses too few places for all labels, and too few labels for the places", () => {
  const deal = (parts: number, labelsPerPart: number, rows = 100) => () =>
    partitionLabels(labelsOfTen(rows), parts, { seed: 1, labelsPerPart });
  assertThrows(deal(4, 2), RangeError, "from 10 to 40 places");
  assertThrows(deal(4, 11), RangeError, "got 4 parts of 11 labels");
  assertThrows(deal(11, 2, 20), RangeError, "from 10 to 20 places");
  assertThrows(deal(4, 0), RangeError, "expected a whole number of labels a part from 1, got 0");
});

Deno.test("partitionDirichlet() has the moments of the Dirichlet distribution", () => {
  const parts = 1000, rows = 100_000, classes = 10;
  const labels = labelsOfTen(rows);
  for (const balanced of [false, true]) {
    for (const alpha of [0.1, 0.5, 5]) {
      const dealt = partitionDirichlet(labels, parts, { seed: 6, alpha, balanced });
      const shares = tally(dealt, labels).flatMap((own, part) =>
        own.map((count) => count / (dealt[part]?.length ?? NaN))
      );
      const { mean, variance } = moments(shares);
      const sum = classes * alpha, p = 1 / classes;
      assertNear(mean, p, 1e-12);
      // Of q itself; with labels drawn one by one, of a Dirichlet-multinomial share.
      const size = rows / parts;
      const ofShare = p * (1 - p) / (sum + 1);
      const expected = balanced ? ofShare * (size + sum) / size : ofShare;
      assertNear(variance, expected, 0.1 * expected, `alpha ${alpha}, balanced ${balanced}:`);
    }
  }
});

Deno.test("partitionDirichlet() follows the labels' own distribution", () => {
  // Nine rows in ten are of label 0.
  const labels = Int32Array.from({ length: 20_000 }, (_, row) => row % 10 === 0 ? 1 : 0);
  const alpha = 1;
  for (const balanced of [false, true]) {
    const dealt = partitionDirichlet(labels, 200, { seed: 2, alpha, balanced });
    const { mean, variance } = moments(
      tally(dealt, labels).map(([first = 0], part) => first / (dealt[part]?.length ?? NaN)),
    );
    // Dir(alpha · 2 · (0.9, 0.1)): a Beta(1.8, 0.2) for label 0.
    assertNear(mean, 0.9, 0.02);
    assertNear(variance, 0.9 * 0.1 / (2 * alpha + 1), 0.012);
  }
});

Deno.test("partitionDirichlet() goes from one label a part to parts like the whole", () => {
  const labels = labelsOfTen(10_000);
  const greatest = (alpha: number) =>
    moments(
      tally(partitionDirichlet(labels, 50, { seed: 1, alpha }), labels)
        .map((own) => Math.max(...own) / own.reduce((a, b) => a + b)),
    ).mean;
  assert(greatest(0.001) > 0.95);
  assertNear(greatest(1e6), 0.1, 0.01);
  const mean = greatest(1);
  assert(mean > greatest(10) && mean < greatest(0.1));
});

Deno.test("partitionDirichlet() keeps to the minimum, or says which alpha could not", () => {
  const labels = labelsOfTen(1000);
  const deal = (minSize: number, tries?: number) =>
    partitionDirichlet(labels, 20, { seed: 1, alpha: 0.1, minSize, ...(tries && { tries }) });
  assert(Math.min(...sizesOf(deal(1))) < 40);
  assert(Math.min(...sizesOf(deal(40))) >= 40);
  const { message } = assertThrows(() => deal(50, 5), RangeError);
  assert(
    /at least 50 rows in each of 20 parts, got \d+ .* alpha 0.1 after 5 tries, take balanced, .*min=$/
      .test(message),
  );
  assertThrows(() => deal(51), RangeError, "at least 51 rows for each of 20 pieces, got 1000 rows");
});

Deno.test("partitionDirichlet() deals the parts of a seed that it always has", () => {
  const labels = Int32Array.from({ length: 60_000 }, (_, row) => (row * 7919) % 10);
  for (
    const [parts, alpha, expected] of [
      [1000, 0.1, "73e329a348e3"],
      [15_000, 0.5, "ec91219b10e3"],
    ] as const
  ) {
    const hash = createHash("sha256");
    for (const rows of partitionDirichlet(labels, parts, { seed: 1, alpha })) {
      hash.update(Uint32Array.of(rows.length)).update(rows);
    }
    assertEquals(hash.digest("hex").slice(0, 12), expected);
  }
});

Deno.test("partitionDirichlet() fills up the last short parts, each by its own labels", () => {
  const labels = labelsOfTen(60_000);
  const deal = () => partitionDirichlet(labels, 20_000, { seed: 1, alpha: 0.1 });
  const dealt = deal();
  assertCovers(dealt, labels.length);
  assertEquals(dealt, deal());
  // The two rows of a part have the same label with probability (0.1 + 1) / (1 + 1).
  const pairs = tally(dealt, labels).filter((own) => own.reduce((a, b) => a + b) === 2);
  const alike = pairs.filter((own) => own.includes(2)).length / pairs.length;
  assert(pairs.length > 1000 && alike > 0.55, `${alike} of ${pairs.length}`);
});

Deno.test("partitionDirichlet() soon gives up where most parts would be short", () => {
  const { message } = assertThrows(
    () => partitionDirichlet(labelsOfTen(60_000), 60_000, { seed: 1 }),
    RangeError,
    "take balanced, fewer parts or a lower min=",
  );
  const tries = Number(/after (\d+) tries/.exec(message)?.[1]);
  assert(tries < 20, `${tries}`);
});

Deno.test("partitionDirichlet() balanced makes sizes that differ by at most one", () => {
  const deal = (parts: number) =>
    partitionDirichlet(labelsOfTen(1003), parts, { seed: 1, alpha: 0.05, balanced: true });
  assertEquals(spread(deal(10)), 1);
  assertEquals(spread(deal(17)), 0);
});

Deno.test("partitionDirichletSizes() has the moments of the Dirichlet distribution", () => {
  const parts = 10, rows = 2000;
  for (const alpha of [0.1, 1, 10]) {
    const shares = Array.from(
      { length: 300 },
      (_, seed) =>
        sizesOf(partitionDirichletSizes(new Uint8Array(rows), parts, { seed, alpha }))
          .map((size) => (size - 1) / (rows - parts)),
    ).flat();
    const { mean, variance } = moments(shares);
    const expected = (1 / parts) * (1 - 1 / parts) / (parts * alpha + 1);
    assertNear(mean, 1 / parts, 1e-12);
    assertNear(variance, expected, 0.12 * expected, `alpha ${alpha}:`);
  }
});

Deno.test("partitionLogNormal() makes sizes whose logarithm is normal", () => {
  for (const sigma of [0.3, 0.6]) {
    const parts = 4000;
    const sizes = sizesOf(partitionLogNormal(new Uint8Array(400_000), parts, { seed: 3, sigma }));
    const logs = sizes.map((size) => Math.log(size - 1));
    const { mean, variance } = moments(logs);
    // Mean size 99 above the minimum is exp(mu + sigma²/2).
    assertNear(mean, Math.log(99) - sigma ** 2 / 2, 6 * sigma / Math.sqrt(parts));
    assertNear(variance, sigma ** 2, 5 * sigma ** 2 * Math.sqrt(2 / parts) + 0.003);
    const inside = logs.filter((log) => Math.abs(log - mean) < sigma).length / parts;
    assertNear(inside, 0.6827, 0.04);
  }
  assertEquals(spread(partitionLogNormal(new Uint8Array(1000), 10, { seed: 3, sigma: 0 })), 0);
});

Deno.test("partitionPowerLaw() makes sizes with a Pareto tail", () => {
  for (const exponent of [2, 4]) {
    const parts = 4000;
    const sizes = sizesOf(
      partitionPowerLaw(new Uint8Array(400_000), parts, { seed: 8, exponent }),
    );
    const least = 99 * (exponent - 1) / exponent;
    const over = (times: number) =>
      sizes.filter((size) => (size - 1) / least > times).length / parts;
    for (const times of [1.2, 1.5, 2]) assertNear(over(times), times ** -exponent, 0.04);
    const { mean } = moments(sizes.map((size) => Math.log((size - 1) / least)));
    assertNear(mean, 1 / exponent, 0.04);
  }
});

Deno.test("partitions by size keep to the minimum however uneven they are", () => {
  const labels = new Uint8Array(1000);
  for (
    const parts of [
      partitionDirichletSizes(labels, 100, { seed: 1, alpha: 1e-6, minSize: 5 }),
      partitionLogNormal(labels, 100, { seed: 1, sigma: 100, minSize: 5 }),
      partitionPowerLaw(labels, 100, { seed: 1, exponent: 0.01, minSize: 5 }),
    ]
  ) {
    assertCovers(parts, 1000);
    assertEquals(Math.min(...sizesOf(parts)), 5);
    assert(Math.max(...sizesOf(parts)) > 450);
  }
  assertThrows(
    () => partitionLogNormal(labels, 100, { seed: 1, minSize: 11 }),
    RangeError,
    "at least 11 rows for each of 100 pieces, got 1000 rows",
  );
});

Deno.test("partitionIds() makes a part of each id, in the order of their first rows", () => {
  const ids = [7, 3, 7, 7, 9, 3];
  assertEquals(partitionIds(ids).map((rows) => [...rows]), [[0, 2, 3], [1, 5], [4]]);
  assertEquals(partitionIds(ids.map((id) => `id ${id}`)), partitionIds(ids));
  assertThrows(() => partitionIds([]), RangeError, "got 0 rows");
});

Deno.test("partitionIds() groups ids without tearing one apart", () => {
  const ids = Array.from({ length: 1000 }, (_, row) => `writer ${(row * row) % 53}`);
  const different = new Set(ids).size;
  const parts = partitionIds(ids, { parts: 5, seed: 1 });
  assertCovers(parts, 1000);
  const held = parts.map((rows) => new Set(Array.from(rows, (row) => ids[row])).size);
  assertEquals(held.reduce((a, b) => a + b), different);
  assert(Math.max(...held) - Math.min(...held) <= 1);
  assertNotEquals(parts, partitionIds(ids, { parts: 5, seed: 2 }));
  assertThrows(
    () => partitionIds(ids, { parts: different + 1, seed: 1 }),
    RangeError,
    `got ${different} ids`,
  );
});

Deno.test("partition() takes ids from a column of features", () => {
  // Rows of [a measure, the id].
  const features = Float32Array.of(0.5, 1, 0.6, 2, 0.7, 1, 0.8, 2);
  const data = new Dataset(features, new Int32Array(4), [2], 1);
  const parts = partition("id:1", data, { parts: 2, seed: 1 });
  assertEquals(new Set(parts.map((rows) => rows.join())), new Set(["0,2", "1,3"]));
  // With ids of the data, no feature has to be one.
  const ids = ["a", "a", "b", "b"];
  const own = partition("id", data, { parts: 2, seed: 1, ids });
  assertEquals(new Set(own.map((rows) => rows.join())), new Set(["0,1", "2,3"]));
  assertEquals(partition("id", data.labels, { parts: 2, seed: 1, ids }), own);
  assertThrows(
    () => partition("id", data, { parts: 2, seed: 1 }),
    TypeError,
    "expected ids, of an",
  );
  assertThrows(
    () => partition("id", data, { parts: 2, seed: 1, ids: ["a"] }),
    RangeError,
    "an id for each of 4 rows, got 1",
  );
  assertThrows(() => partition("id:2", data, { parts: 2, seed: 1 }), RangeError, "below 2");
  assertThrows(() => partition("id:0", data.labels, { parts: 2, seed: 1 }), RangeError, "below 0");
});

Deno.test("addFeatureNoise() adds Gaussian noise that grows with the client's index", () => {
  const data = new Dataset(new Float32Array(20_000).fill(3), new Int32Array(200), [10, 10], 1);
  for (const index of [1, 5, 10]) {
    const { features, labels, shape } = addFeatureNoise(data, {
      noise: 0.5,
      index,
      parts: 10,
      seed: 1,
    });
    const deviation = 0.5 * index / 10;
    const { mean, variance } = moments([...features]);
    assertNear(mean, 3, 5 * deviation / Math.sqrt(features.length));
    assertNear(variance, deviation ** 2, 5 * deviation ** 2 * Math.sqrt(2 / features.length));
    assertEquals([labels, shape], [data.labels, data.shape]);
  }
  assert(data.features.every((value) => value === 3));
});

Deno.test("addFeatureNoise() depends on seed and client, and refuses a client that is not there", () => {
  const data = new Dataset(new Float32Array(50), new Int32Array(50), [1], 1);
  const noise = (seed: number, index: number, parts = 2) =>
    addFeatureNoise(data, { noise: 1, index, parts, seed }).features;
  assertEquals(noise(1, 1), noise(1, 1));
  assertNotEquals(noise(1, 1), noise(2, 1));
  // Client 1 of 1 and client 2 of 2 have the same deviation.
  assertNotEquals(noise(1, 1, 1), noise(1, 2, 2));
  assertThrows(() => noise(1, 3), RangeError, "expected a part from 1 to 2, got 3");
  assertThrows(() => noise(1, 0), RangeError, "got 0");
});

Deno.test("parsePartition() takes a part's rows, with noise where it is by noise", () => {
  const data = new Dataset(Float32Array.from(labelsOfTen(100)), labelsOfTen(100), [1], 10);
  const take = (spec: string) => {
    const scheme = parsePartition(spec);
    const rows = scheme.deal(data, { parts: 4, seed: 9 })[1] ?? [];
    return scheme.take(data, rows, { index: 2, parts: 4, seed: 9 });
  };
  const plain = take("iid"), noisy = take("noise:0.2");
  assertEquals(plain.features, Float32Array.from(plain.labels));
  assertEquals(noisy.labels, plain.labels);
  assertEquals(
    noisy.features,
    addFeatureNoise(plain, { noise: 0.2, index: 2, parts: 4, seed: 9 }).features,
  );
});

Deno.test("spread() gives the data as take() gives them to each client, and itself where nothing is changed", async () => {
  const data = await digits();
  const options = { parts: 4, seed: 9 };
  const noisy = parsePartition("noise:0.5"), plain = parsePartition("iid");
  const parts = noisy.deal(data, options);
  const all = noisy.spread(data, parts, options);
  parts.forEach((rows, i) => {
    const own = noisy.take(data, rows, { ...options, index: i + 1 });
    assertEquals(all.select(rows).features, own.features);
  });
  assertEquals(plain.spread(data, plain.deal(data, options), options) === data, true);
});

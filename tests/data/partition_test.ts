import { assert, assertEquals, assertNotEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  Dataset,
  parsePartition,
  partition,
  PARTITION_NAMES,
  PARTITION_USAGES,
  partitionIid,
  partitionReport,
  partitionShards,
} from "../../src/data/mod.ts";
import { assertCovers, labelsOfTen, spread } from "../helpers/partition.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const SPECS = [
  "iid",
  "shards",
  "shards:3",
  "labels:2",
  "dirichlet:0.5",
  "dirichlet:0.01",
  "dirichlet:0.3,balanced",
  "dirichlet:1,min=2",
  "dirichlet-sizes:0.1",
  "log-normal",
  "log-normal:2,min=3",
  "power-law:1.5",
  "noise:0.1",
] as const;

/** Ten labels of which the last are rare: about one row in 2^(k + 1) has label k. */
function rareLabels(rows: number): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: rows }, (_, row) => Math.min(9, Math.clz32(row + 1) % 10));
}

Deno.test("every partition gives each row to one part", () => {
  for (const spec of SPECS) {
    for (const [rows, parts] of [[100, 7], [1000, 20], [1797, 100]] as const) {
      const dealt = partition(spec, labelsOfTen(rows), { parts, seed: 5 });
      assertEquals(dealt.length, parts);
      assertCovers(dealt, rows);
    }
    assertCovers(partition(spec, rareLabels(3000), { parts: 12, seed: 2 }), 3000);
  }
});

Deno.test("every partition depends on its seed and on nothing else", () => {
  for (const spec of SPECS) {
    const deal = (seed: number) => partition(spec, labelsOfTen(200), { parts: 10, seed });
    assertEquals(deal(1), deal(1));
    assertNotEquals(deal(1), deal(2));
  }
});

Deno.test("every partition takes a data set or its labels", () => {
  const labels = labelsOfTen(50);
  const data = new Dataset(new Float32Array(50), labels, [1], 10);
  for (const spec of SPECS) {
    const options = { parts: 5, seed: 3 };
    assertEquals(partition(spec, data, options), partition(spec, labels, options));
  }
});

Deno.test("every partition refuses fewer than one part and more parts than rows", () => {
  for (const spec of SPECS) {
    for (const parts of [0, -1, 1.5, NaN, Infinity]) {
      assertThrows(
        () => partition(spec, labelsOfTen(10), { parts, seed: 1 }),
        RangeError,
        `got ${parts}`,
      );
    }
    assertThrows(
      () => partition(spec, labelsOfTen(10), { parts: 11, seed: 1 }),
      RangeError,
      spec.startsWith("labels") ? "got 11 parts of 2 labels" : "got 10 rows",
    );
  }
});

Deno.test("every partition deals 60,000 rows to 1,000 and to 10,000 parts", () => {
  for (const spec of ["iid", "shards", "labels:2", "dirichlet:0.5", "dirichlet:0.5,balanced"]) {
    for (const parts of [1000, 10_000]) {
      assertCovers(partition(spec, labelsOfTen(60_000), { parts, seed: 1 }), 60_000);
    }
  }
});

Deno.test("parsePartition() lists the known partitions when it is given another", () => {
  assertEquals(PARTITION_USAGES.length, PARTITION_NAMES.length);
  for (const spec of ["no-such", "", "constructor", "IID", " iid", "dirichlet=1"]) {
    assertThrows(
      () => parsePartition(spec),
      TypeError,
      `expected one of ${PARTITION_USAGES.join(", ")}, got ${JSON.stringify(spec)}`,
    );
  }
});

Deno.test("parsePartition() refuses what does not belong behind a name", () => {
  for (
    const [spec, word] of [
      ["iid:1", "1"],
      ["shards:", ""],
      ["shards:two", "two"],
      ["shards:2,min=3", "min=3"],
      ["dirichlet:0.5,0.6", "0.6"],
      ["dirichlet:0.5,min", "min"],
      ["dirichlet:0.5,min=x", "x"],
      ["dirichlet:0.5,balanced=1", "balanced=1"],
      ["dirichlet-sizes:1,balanced", "balanced"],
      ["dirichlet:NaN", "NaN"],
      ["noise: 1", " 1"],
    ] as const
  ) {
    assertThrows(() => parsePartition(spec), SyntaxError, `got ${JSON.stringify(word)}`);
  }
});

Deno.test("parsePartition() refuses values out of range before there is any data", () => {
  for (
    const spec of [
      "shards:0",
      "shards:1.5",
      "labels:-1",
      "dirichlet:0",
      "dirichlet:-1",
      "dirichlet:1e9",
      "dirichlet:1,min=0",
      "dirichlet-sizes:0",
      "log-normal:-0.1",
      "power-law:0",
      "id:-1",
      "id:0.5",
      "noise:-1",
    ]
  ) {
    assertThrows(() => parsePartition(spec), RangeError, "Cannot partition the data: expected");
  }
});

Deno.test("parsePartition() reads values and settings, and knows what they are without them", () => {
  const deal = (spec: string) => partition(spec, labelsOfTen(300), { parts: 10, seed: 4 });
  assertEquals(deal("shards"), deal("shards:2"));
  assertNotEquals(deal("shards"), deal("shards:4"));
  assertEquals(deal("dirichlet"), deal("dirichlet:0.5"));
  assertEquals(deal("dirichlet:balanced"), deal("dirichlet:5e-1,balanced"));
  assertEquals(spread(deal("dirichlet:0.1,balanced,min=30")), 0);
  assertEquals(deal("power-law:1.5,min=30").every((part) => part.length === 30), true);
});

Deno.test("partitionIid() makes sizes that differ by at most one", () => {
  assertEquals(spread(partitionIid(labelsOfTen(1000), 7, { seed: 1 })), 1);
  assertEquals(spread(partitionIid(labelsOfTen(1000), 8, { seed: 1 })), 0);
});

Deno.test("partitionIid() gives each part every class in about its share", () => {
  const labels = labelsOfTen(10_000);
  for (const part of partitionIid(labels, 5, { seed: 1 })) {
    const counts = new Array<number>(10).fill(0);
    for (const row of part) counts[labels[row] ?? 0] = (counts[labels[row] ?? 0] ?? NaN) + 1;
    // Hypergeometric: 2,000 of 10,000 rows drawn, 1,000 of the class; five standard deviations.
    const deviation = Math.sqrt(2000 * 0.1 * 0.9 * (8000 / 9999));
    for (const count of counts) assert(Math.abs(count - 200) < 5 * deviation, `count ${count}`);
  }
});

Deno.test("partitionShards() gives each part two classes at most when shards fit in classes", () => {
  // As in the paper: 100 clients with two shards each, ten classes of equal size.
  const labels = labelsOfTen(6000);
  const parts = partitionShards(labels, 100, { seed: 1 });
  const classes = parts.map((part) => new Set(Array.from(part, (row) => labels[row])).size);
  assert(classes.every((count) => count <= 2));
  // Two shards have the same class with probability 19/199, so that most parts have two classes.
  assert(classes.filter((count) => count === 2).length > 75);
  assert(parts.every((part) => part.length === 60));
});

Deno.test("partitionShards() deals the shards of the sorted rows, ties in their first order", () => {
  const labels = [1, 0, 2, 1, 0, 2, 0];
  // Sorted by label: rows 1 4 6 | 0 3 | 2 5; cut in three after rows 2 and 4.
  const shards = new Set(["1,4", "6,0", "3,2,5"]);
  const dealt = partitionShards(labels, 3, { seed: 9, shardsPerPart: 1 }).map((part) =>
    part.join()
  );
  assertEquals(new Set(dealt), shards);
});

Deno.test("partitionShards() makes sizes that differ by at most a row a shard", () => {
  assert(spread(partitionShards(labelsOfTen(1797), 100, { seed: 1 })) <= 2);
  assert(spread(partitionShards(labelsOfTen(1797), 10, { seed: 1, shardsPerPart: 5 })) <= 5);
});

Deno.test("partitionShards() refuses fewer rows than shards, and fewer than one shard a part", () => {
  assertThrows(
    () => partitionShards(labelsOfTen(19), 10, { seed: 1 }),
    RangeError,
    "one row for each of 20 pieces, got 19 rows",
  );
  assertThrows(
    () => partitionShards(labelsOfTen(19), 2, { seed: 1, shardsPerPart: 0 }),
    RangeError,
    "got 0",
  );
});

Deno.test("partitions by labels refuse measures, and others deal them", () => {
  const measures = Dataset.of({
    features: new Float32Array(40),
    targets: new Float32Array(40),
    shape: [1],
    task: "regression",
  });
  for (const spec of ["shards:2", "labels:1", "dirichlet:1"]) {
    assertThrows(
      () => partition(spec, measures, { parts: 2, seed: 1 }),
      TypeError,
      "Cannot partition the data by labels: expected the task classification with one label of a row, got regression",
    );
  }
  for (const spec of ["iid", "power-law:1.5", "log-normal:1"]) {
    const parts = partition(spec, measures, { parts: 4, seed: 1 });
    assertEquals(parts.flatMap((rows) => [...rows]).toSorted((a, b) => a - b).length, 40);
    assertEquals(partitionReport(parts, measures).parts[0]?.labels, []);
  }
});

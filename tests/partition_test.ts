import { assert, assertEquals, assertNotEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { Dataset } from "../src/data/dataset.ts";
import {
  type Partition,
  partition,
  PARTITION_NAMES,
  partitionIid,
  partitionShards,
} from "../src/data/partition.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Fails unless every row is in exactly one part. */
function assertCovers(parts: Partition, rows: number): void {
  const seen = new Uint8Array(rows);
  for (const part of parts) for (const row of part) seen[row] = (seen[row] ?? NaN) + 1;
  assertEquals(parts.reduce((sum, part) => sum + part.length, 0), rows);
  assert(seen.every((count) => count === 1));
}

function spread(parts: Partition): number {
  const sizes = parts.map((part) => part.length);
  return Math.max(...sizes) - Math.min(...sizes);
}

const labelsOfTen = (rows: number): Int32Array<ArrayBuffer> =>
  Int32Array.from({ length: rows }, (_, row) => (row * 7) % 10);

Deno.test("every partition gives each row to one part", () => {
  for (const name of PARTITION_NAMES) {
    for (const [rows, parts] of [[1, 1], [10, 3], [1000, 7], [1797, 100]] as const) {
      const shardsPerPart = rows === 1 ? 1 : 2;
      const dealt = partition(name, labelsOfTen(rows), { parts, seed: 5, shardsPerPart });
      assertEquals(dealt.length, parts);
      assertCovers(dealt, rows);
    }
  }
});

Deno.test("every partition depends on its seed and on nothing else", () => {
  for (const name of PARTITION_NAMES) {
    const deal = (seed: number) => partition(name, labelsOfTen(200), { parts: 10, seed });
    assertEquals(deal(1), deal(1));
    assertNotEquals(deal(1), deal(2));
  }
});

Deno.test("every partition takes a data set or its labels", () => {
  const labels = labelsOfTen(50);
  const data = new Dataset(new Float32Array(50), labels, [1], 10);
  for (const name of PARTITION_NAMES) {
    const options = { parts: 5, seed: 3 };
    assertEquals(partition(name, data, options), partition(name, labels, options));
  }
});

Deno.test("every partition refuses fewer than one part and more parts than rows", () => {
  for (const name of PARTITION_NAMES) {
    for (const parts of [0, -1, 1.5, NaN, Infinity]) {
      assertThrows(
        () => partition(name, labelsOfTen(10), { parts, seed: 1 }),
        RangeError,
        `got ${parts}`,
      );
    }
    assertThrows(
      () => partition(name, labelsOfTen(10), { parts: 11, seed: 1 }),
      RangeError,
      "got 10 rows",
    );
  }
});

Deno.test("partition() lists the known names when it is given another", () => {
  for (const name of ["no-such", "", "constructor"]) {
    assertThrows(
      () => partition(name, [0, 1], { parts: 1, seed: 1 }),
      TypeError,
      `expected one of ${PARTITION_NAMES.join(", ")}, got "${name}"`,
    );
  }
});

Deno.test("partition() deals 60,000 rows to 1,000 parts", () => {
  for (const name of PARTITION_NAMES) {
    assertCovers(partition(name, labelsOfTen(60_000), { parts: 1000, seed: 1 }), 60_000);
  }
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
  // As in the paper: 100 clients of two shards, ten classes of equal size.
  const labels = labelsOfTen(6000);
  const parts = partitionShards(labels, 100, { seed: 1 });
  const classes = parts.map((part) => new Set(Array.from(part, (row) => labels[row])).size);
  assert(classes.every((count) => count <= 2));
  // Two shards are of one class with probability 19/199, so that most parts hold two.
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

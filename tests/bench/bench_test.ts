import { assertAlmostEquals, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { type BenchResult, median, mostResult, rateResult } from "../../bench/result.ts";
import { exponentOf } from "../../bench/helpers/slope.ts";
import { BENCH_HEAD, benchJson, benchRow } from "../../bench/report.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const results: BenchResult[] = [
  rateResult("fast", { bytes: 9e6, times: [4, 3, 5] }, { bytes: 8e6, times: [2, 2.5] }, 0.7),
  rateResult("compared", { bytes: 2e6, times: [1] }, { bytes: 2e6, times: [1] }),
  mostResult("quick", [0.02, 0.0101, 0.03], { unit: "ms", most: 1 }),
  mostResult("small", [288], { unit: "MB", most: 350 }),
];

Deno.test("rateResult() compares the shortest repetitions", () => {
  assertEquals(results[0], {
    name: "fast",
    unit: "GB/s",
    value: 3,
    ceiling: 4,
    ratio: 0.75,
    min: 3,
    median: 4,
    target: 0.7,
  });
});

Deno.test("mostResult() takes the median, and reaches 1 at the most that is allowed", () => {
  const { value, ratio, min, target } = mostResult("x", [10, 5, 1], { unit: "ms", most: 5 });
  assertEquals({ value, ratio, min, target }, { value: 5, ratio: 1, min: 1, target: 1 });
  assertEquals(median([4, 1, 3, 2]), 3);
});

Deno.test("benchRow() has a result in its unit, in the columns of the head, and marks a missed ratio", () => {
  const missed = rateResult("slow", { bytes: 1e6, times: [2] }, { bytes: 1e6, times: [1] }, 0.85);
  const lines = [BENCH_HEAD, ...[...results, missed].map(benchRow)];
  assertEquals(new Set(lines.map(({ length }) => length)).size, 1);
  const starts = [0, 70, 87, 104, 113, 128, 145];
  const cells = lines.map((line) =>
    starts.map((start, i) => line.slice(start, starts[i + 1]).trim())
  );
  assertEquals(cells, [
    ["name", "value", "ceiling", "ratio", "target", "min", "median"],
    ["fast", "3.00 GB/s", "4.00 GB/s", "0.75", "≥ 0.70", "3.00 ms", "4.00 ms"],
    ["compared", "2.00 GB/s", "2.00 GB/s", "1.00", "", "1.00 ms", "1.00 ms"],
    ["quick", "0.0200 ms", "1.00 ms", "50.00", "≥ 1.00", "0.0101 ms", "0.0200 ms"],
    ["small", "288 MB", "350 MB", "1.22", "≥ 1.00", "288 MB", "288 MB"],
    ["slow", "0.500 GB/s", "1.00 GB/s", "0.50", "≥ 0.85 missed", "2.00 ms", "2.00 ms"],
  ]);
});

Deno.test("benchJson() writes the schema, and the fields of a result with its target", () => {
  const report = JSON.parse(benchJson(results));
  assertEquals(report.schema, "fedlab.bench/1");
  assertEquals(report.results[0], {
    name: "fast",
    unit: "GB/s",
    value: 3,
    ceiling: 4,
    ratio: 0.75,
    min: 3,
    median: 4,
    target: 0.7,
  });
  assertEquals(report.results.length, results.length);
  assertMatch(benchJson([]), /\n$/);
});

Deno.test("exponentOf() fits the power of a size that a cost follows", () => {
  const sizes = [10, 100, 1000, 20_000];
  for (const power of [0, 0.5, 1, 2]) {
    const costs = sizes.map((size) => ({ size, cost: 7 * size ** power }));
    assertAlmostEquals(exponentOf(costs), power, 1e-12);
  }
  // Least squares: errors of +1, -2 and +1 at equal distances do not change the slope.
  const uneven = [1, Math.E, Math.E ** 2].map((size, i) => ({
    size,
    cost: size * Math.exp([0.1, -0.2, 0.1][i] ?? 0),
  }));
  assertAlmostEquals(exponentOf(uneven), 1, 1e-12);
});

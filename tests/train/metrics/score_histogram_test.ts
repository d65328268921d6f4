import { Random } from "../../../src/base/random.ts";
import { MAX_SCORE_BINS, SCORE_BINS } from "../../../src/plan/metric_sums.ts";
import {
  averagePrecision,
  binOf,
  mostBins,
  rocAuc,
  ScoreTally,
} from "../../../src/train/metrics/score_histogram.ts";
import { exactAveragePrecision, exactRocAuc } from "../../helpers/exact_metrics.ts";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";

/** Compares the areas of a histogram with the exact ones. */
function compare(
  what: string,
  logits: readonly number[],
  positive: readonly boolean[],
  most: number,
) {
  const tally = new ScoreTally(most);
  logits.forEach((logit, i) => tally.add(logit, positive[i] ?? false));
  const { histogram } = tally;
  assert(histogram.bins.length <= 3 * most);
  const auc = exactRocAuc(logits, positive), precision = exactAveragePrecision(logits, positive);
  assertAlmostEquals(rocAuc(histogram) ?? NaN, auc, 1e-3, `AUC ${what}`);
  assertAlmostEquals(averagePrecision(histogram) ?? NaN, precision, 1e-3, `precision ${what}`);
}

Deno.test("rocAuc() and averagePrecision() are within 1e-3 of the exact ones on all scores", () => {
  const random = new Random(11, "test");
  const draws: Record<string, (isPositive: boolean) => number> = {
    "of normal scores": (is) => random.normal() + (is ? 1 : 0),
    "crowded near 0 and 1": (is) => (is ? 9 : -9) + 4 * random.normal(),
    "of a rare class near 0": (is) => -7 + random.normal() + (is ? 1.5 : 0),
    "of an overconfident model": (is) => 60 * (random.normal() + (is ? 0.7 : 0)),
    "of a model that knows little": (is) => 0.05 * random.normal() + (is ? 0.03 : 0),
  };
  for (const [what, draw] of Object.entries(draws)) {
    for (const rows of [300, 10_000]) {
      for (const [share, histograms] of [[0.5, 1], [0.05, 1], [0.1, 10], [0.05, 20]] as const) {
        const positive = Array.from({ length: rows }, () => random.uniform() < share);
        const logits = positive.map((is) => draw(is));
        compare(
          `${what}, ${rows} rows, ${histograms} classes`,
          logits,
          positive,
          mostBins(histograms),
        );
      }
    }
  }
});

Deno.test("averagePrecision() of joined bins is the mean over all orders of their rows", () => {
  // Two rows of the class pass first; then a bin of two others and two of the class.
  const histogram = { shift: 1, bins: [3, 2, 2, 5, 0, 2] };
  const orders = [[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1], [
    0,
    0,
    1,
    1,
  ]];
  const exact = orders.map((order) =>
    exactAveragePrecision(
      [9, 8, ...order.map((_, i) => -i)],
      [true, true, ...order.map((is) => is === 1)],
    )
  );
  assertAlmostEquals(
    averagePrecision(histogram) ?? NaN,
    exact.reduce((a, b) => a + b) / exact.length,
    1e-12,
  );
  // Far down the list the sums are those of a series; here they are added one by one.
  const many = { shift: 1, bins: [3, 150, 50, 5, 300, 100] };
  let sum = 0, passed = 0, hits = 0;
  for (const [rows, positives] of [[400, 100], [200, 50]] as const) {
    for (let place = 1; place <= rows; place++) {
      const before = (place - 1) * (positives - 1) / (rows - 1);
      sum += positives / rows * (hits + before + 1) / (passed + place);
    }
    passed += rows;
    hits += positives;
  }
  assertAlmostEquals(averagePrecision(many) ?? NaN, sum / hits, 1e-9);
});

Deno.test("rocAuc() is 1 for classes apart, 1/2 for equal scores, and absent for one class", () => {
  const histogram = (rows: readonly (readonly [number, boolean])[]) => {
    const tally = new ScoreTally(MAX_SCORE_BINS);
    for (const [logit, positive] of rows) tally.add(logit, positive);
    return tally.histogram;
  };
  assertEquals(rocAuc(histogram([[-1, false], [0, true], [2, true]])), 1);
  assertEquals(rocAuc(histogram([[0.5, false], [0.5, true]])), 0.5);
  assertEquals(rocAuc(histogram([[1, true]])), undefined);
  assertEquals(averagePrecision(histogram([[1, false]])), undefined);
  assertEquals(averagePrecision(histogram([[2, false], [1, true]])), 0.5);
});

Deno.test("binOf() keeps the order of scores and stays in range at any logit", () => {
  const logits = [-Infinity, -1e30, -50, -8.001, -8, -1, -1e-9, 0, 1, 7.999, 8, 9, 700, Infinity];
  const bins = logits.map(binOf);
  assertEquals(bins, bins.toSorted((a, b) => a - b));
  assertEquals([bins[0], bins.at(-1)], [0, SCORE_BINS - 1]);
  assertEquals(new Set(bins).size, logits.length - 1, "only the first two share a bin");
});

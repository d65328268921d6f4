import { Random } from "../../src/base/random.ts";
import { v } from "../../src/plan/deps.ts";
import { MAX_SCORE_BINS, type MetricSums, metricSumsSchema } from "../../src/plan/metric_sums.ts";
import { makeTally } from "../../src/train/metrics/tally.ts";
import { MessageCode } from "../../src/wire/message_code.ts";
import { assert, assertEquals } from "@std/assert";
import { bodyOf } from "../helpers/frame.ts";

function binarySums(rows = 3): MetricSums & { task: "classification" } {
  const tally = makeTally({ task: "classification" }, "sigmoidCrossEntropy", 1);
  for (let row = 0; row < rows; row++) {
    tally?.add(Float32Array.of(40 * Math.sin(row * 0.001)), Int32Array.of(row % 2));
  }
  const sums = tally?.sums;
  assert(sums?.task === "classification");
  return { ...sums, task: "classification" };
}

function measureSums(): MetricSums {
  return { task: "regression", outputs: 1, samples: 2, measures: [-3, 5, 1, 0.5] };
}

const accepts = (sums: unknown) => v.safeParse(metricSumsSchema, sums).success;

Deno.test("metricSumsSchema takes the sums of every task", () => {
  assert(accepts(binarySums()));
  assert(accepts(measureSums()));
  const labels = makeTally({ task: "multi-label" }, "binaryCrossentropy", 4);
  labels?.add(Float32Array.of(0.1, 0.9, 0.5, 1), Float32Array.of(0, 1, 1, 0));
  assert(accepts(labels?.sums));
});

Deno.test("metricSumsSchema refuses sums that no evaluation gives", () => {
  const good = binarySums(), measures = measureSums();
  const [histogram] = good.scores ?? [];
  assert(histogram);
  const wrong: Record<string, unknown> = {
    "NaN": { ...good, logLoss: NaN },
    "an infinite sum": { ...good, brier: Infinity },
    "a negative sum": { ...good, logLoss: -1 },
    "a count that is not whole": { ...good, correct: 0.5 },
    "no rows": { ...good, samples: 0 },
    "a matrix of another number of classes": { ...good, confusion: [1, 2] },
    "too few bins of calibration": { ...good, calibration: [1, 2, 3] },
    "a histogram too many": { ...good, scores: [histogram, histogram] },
    "a bin that is cut": { ...good, scores: [{ ...histogram, bins: [1, 2] }] },
    "a bin twice": { ...good, scores: [{ ...histogram, bins: [1, 2, 0, 0, 1, 0] }] },
    "a bin past the last": { ...good, scores: [{ shift: 3, bins: [2 ** 20, 1, 1] }] },
    "too many bins": {
      ...good,
      scores: [{ shift: 0, bins: new Array(3 * MAX_SCORE_BINS + 3).fill(1) }],
    },
    "a negative count": { ...good, scores: [{ ...histogram, bins: [5, -1, 2] }] },
    "more outputs than there are metrics for": { ...good, outputs: 1001, confusion: undefined },
    "a negative sum of squares": { ...measures, measures: [1, -1, 1, 1] },
    "sums of other outputs": { ...measures, outputs: 2 },
    "an unknown task": { ...good, task: "ranking" },
  };
  for (const [what, sums] of Object.entries(wrong)) assertEquals(accepts(sums), false, what);
});

/** Sums of rows of 20 classes, whose histograms are full. */
function manyClasses(rows: number): MetricSums & { task: "classification" } {
  const random = new Random(1, "test"),
    tally = makeTally({ task: "classification" }, "softmaxCrossEntropy", 20);
  const output = Float32Array.from({ length: 20 * rows }, () => 3 * random.normal());
  tally?.add(output, Int32Array.from({ length: rows }, () => random.below(20)));
  const sums = tally?.sums;
  assert(sums?.task === "classification");
  return { ...sums, task: "classification" };
}

for (
  const [what, sums] of [["one histogram", binarySums(100_000)], [
    "20 histograms",
    manyClasses(30_000),
  ]] as const
) {
  Deno.test(`sums with ${what} of many rows fit in a message`, () => {
    const { length } = bodyOf({
      code: MessageCode.EvaluateParams,
      payload: { round: 1, numSamples: sums.samples, loss: 1, sums },
    });
    assert(length < 65_536, `${length} bytes`);
    const bins = sums.scores?.reduce((sum, histogram) => sum + histogram.bins.length / 3, 0);
    assert(
      bins !== undefined && bins > MAX_SCORE_BINS / 2 && bins <= MAX_SCORE_BINS,
      `${bins} bins`,
    );
  });
}

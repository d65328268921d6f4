import type { ClassSums, MetricSums, ScoreHistogram } from "../../plan/metric_sums.ts";
import { addHistograms, mostBins } from "./score_histogram.ts";

/** Returns a text that is equal for sums that can be added. */
export function shapeOf(sums: MetricSums): string {
  const { task, outputs } = sums;
  const parts = task === "regression" ? [] : [sums.confusion?.length, sums.scores?.length];
  return [task, outputs, ...parts].join(" ");
}

/**
 * Adds sums of the same shape: the result is that of all their rows together.
 *
 * @throws {RangeError} If the shapes differ.
 */
export function addSums(a: MetricSums, b: MetricSums): MetricSums {
  if (shapeOf(a) !== shapeOf(b)) {
    throw new RangeError(
      `Cannot add the sums of metrics: expected those of ${a.outputs} outputs for ${a.task}, ` +
        `got ${b.outputs} for ${b.task}`,
    );
  }
  const samples = a.samples + b.samples;
  if (a.task === "regression" || b.task === "regression") {
    if (a.task !== "regression" || b.task !== "regression") return a;
    return { ...a, samples, measures: added(a.measures, b.measures) };
  }
  return { ...a, samples, ...classFields(a, b) };
}

function classFields(a: ClassSums, b: ClassSums): Omit<ClassSums, "task" | "outputs" | "samples"> {
  return {
    correct: a.correct + b.correct,
    logLoss: a.logLoss + b.logLoss,
    brier: a.brier + b.brier,
    calibration: added(a.calibration, b.calibration),
    ...(a.confusion && b.confusion && { confusion: added(a.confusion, b.confusion) }),
    ...(a.scores && b.scores && { scores: addScores(a.scores, b.scores) }),
  };
}

function addScores(
  a: readonly ScoreHistogram[],
  b: readonly ScoreHistogram[],
): ScoreHistogram[] {
  const most = mostBins(a.length);
  return a.flatMap((histogram, i) => {
    const other = b[i];
    return other ? [addHistograms(histogram, other, most)] : [];
  });
}

function added(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => value + (b[i] ?? 0));
}

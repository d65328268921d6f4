/**
 * Metrics of an evaluation, from its sums.
 *
 * @module
 */

import type { ClassSums, MeasureSums, MetricSums } from "../../plan/metric_sums.ts";
import type { Metrics } from "../../plan/results.ts";
import { type AnswerMetrics, answerMetrics } from "./class_metrics.ts";
import { averagePrecision, rocAuc } from "./score_histogram.ts";

/** Names of the metrics that are derived from sums. */
export type MetricName =
  | "accuracy"
  | "balancedAccuracy"
  | "precision"
  | "recall"
  | "f1"
  | "rocAuc"
  | "averagePrecision"
  | "logLoss"
  | "brier"
  | "calibrationError"
  | "rmse"
  | "mae"
  | "r2";

type Figures = Partial<Record<MetricName, number | undefined>>;

/**
 * Derives the metrics of an evaluation. A metric that is not defined, such as the area under the
 * ROC curve where a class has no rows, is absent.
 */
export function metricsOf(sums: MetricSums): Metrics {
  const figures = sums.task === "regression" ? measureFigures(sums) : classFigures(sums);
  return Object.fromEntries(
    Object.entries(figures).filter((entry): entry is [string, number] => Number.isFinite(entry[1])),
  );
}

function classFigures(sums: ClassSums): Figures {
  const { task, samples, scores } = sums, classes = answerMetrics(sums);
  const mean = (name: keyof AnswerMetrics) => meanOf(classes.flatMap((one) => one[name] ?? []));
  const present = classes.filter((one) => one.samples > 0).flatMap(({ recall }) => recall ?? []);
  return {
    accuracy: sums.correct / samples,
    balancedAccuracy: task === "classification" ? meanOf(present) : undefined,
    precision: mean("precision"),
    recall: mean("recall"),
    f1: mean("f1"),
    rocAuc: meanOf(scores?.flatMap((histogram) => rocAuc(histogram) ?? []) ?? []),
    averagePrecision: meanOf(scores?.flatMap((one) => averagePrecision(one) ?? []) ?? []),
    logLoss: sums.logLoss / samples,
    brier: sums.brier / samples,
    calibrationError: calibrationError(sums.calibration),
  };
}

/**
 * Computes the expected calibration error: the mean distance between confidence and share of right
 * answers, `Σ_b (n_b / n) |right_b / n_b - confidence_b / n_b|` (Guo et al. 2017, equation 3).
 */
function calibrationError(calibration: readonly number[]): number {
  let distance = 0, answers = 0;
  for (let i = 0; i < calibration.length; i += 3) {
    answers += calibration[i] ?? 0;
    distance += Math.abs((calibration[i + 2] ?? 0) - (calibration[i + 1] ?? 0));
  }
  return distance / answers;
}

/** Computes the metrics of measures: the mean over the outputs, each in its own unit. */
function measureFigures({ outputs, samples, measures }: MeasureSums): Figures {
  const each = Array.from({ length: outputs }, (_, k) => {
    const [sum = NaN, squares = NaN, absolute = NaN, squared = NaN] = measures.slice(4 * k);
    const spread = squares - sum ** 2 / samples;
    // Rounding leaves a spread of constant targets that is not 0.
    const isConstant = !(spread > 1e-12 * squares);
    return {
      rmse: Math.sqrt(squared / samples),
      mae: absolute / samples,
      r2: isConstant ? undefined : 1 - squared / spread,
    };
  });
  return {
    rmse: meanOf(each.map(({ rmse }) => rmse)),
    mae: meanOf(each.map(({ mae }) => mae)),
    r2: meanOf(each.flatMap(({ r2 }) => r2 ?? [])),
  };
}

/** Returns the mean, or `undefined` of no values. */
function meanOf(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

import type { ClassSums } from "../../plan/metric_sums.ts";
import { averagePrecision, rocAuc } from "./score_histogram.ts";

/** Metrics of one class, or of one label. A metric that is not defined is absent. */
export interface ClassMetrics {
  /** Number of rows of the class. */
  readonly samples: number;
  /** Share of the rows with this answer that are of the class. */
  readonly precision?: number;
  /** Share of the rows of the class that have this answer. */
  readonly recall?: number;
  /** Harmonic mean of precision and recall. */
  readonly f1?: number;
  /** Area under the ROC curve of this class against all others. */
  readonly rocAuc?: number;
  /** Average precision of this class against all others. */
  readonly averagePrecision?: number;
}

/** Metrics of the answers of one class, or of one label. */
export type AnswerMetrics = Omit<ClassMetrics, "rocAuc" | "averagePrecision">;

/** Returns a ratio, or 0 for a denominator of 0. */
function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

/** Counts of one class: rows of it, rows with this answer, and both. */
interface ClassCounts {
  readonly actual: number;
  readonly answered: number;
  readonly hits: number;
}

function countsOf({ task, outputs, confusion = [] }: ClassSums): ClassCounts[] {
  return Array.from({ length: outputs }, (_, c) => {
    if (task === "multi-label") {
      const [, falsePositives = 0, misses = 0, hits = 0] = confusion.slice(4 * c, 4 * c + 4);
      return { actual: misses + hits, answered: falsePositives + hits, hits };
    }
    let actual = 0, answered = 0;
    for (let other = 0; other < outputs; other++) {
      actual += confusion[c * outputs + other] ?? 0;
      answered += confusion[other * outputs + c] ?? 0;
    }
    return { actual, answered, hits: confusion[c * outputs + c] ?? 0 };
  });
}

/**
 * Computes the metrics of the answers of each class or label, from sums that count them.
 *
 * As in scikit-learn, a precision without answers and a recall without rows are 0; a class with
 * neither has none of the three metrics.
 */
export function answerMetrics(sums: ClassSums): AnswerMetrics[] {
  if (!sums.confusion) return [];
  return countsOf(sums).map(({ actual, answered, hits }): AnswerMetrics => ({
    samples: actual,
    ...(actual + answered > 0 && {
      precision: ratio(hits, answered),
      recall: ratio(hits, actual),
      f1: ratio(2 * hits, actual + answered),
    }),
  }));
}

/** Computes the metrics of each class or label, from sums that count its answers. */
export function classMetrics(sums: ClassSums): ClassMetrics[] {
  const { task, outputs, scores } = sums;
  const isBinary = task === "classification" && outputs === 2;
  return answerMetrics(sums).map((answers, c): ClassMetrics => {
    const histogram = isBinary ? (c === 1 ? scores?.[0] : undefined) : scores?.[c];
    const area = histogram && rocAuc(histogram);
    const precision = histogram && averagePrecision(histogram);
    return {
      ...answers,
      ...(area !== undefined && { rocAuc: area }),
      ...(precision !== undefined && { averagePrecision: precision }),
    };
  });
}

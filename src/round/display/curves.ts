import type { RunReport } from "../report/report.ts";
import { type Line, lineChart } from "../../display/line_chart.ts";
import { type MetricName, METRICS, PROGRESS, type ProgressName } from "./curve_axes.ts";

/** Report of a run with the name of its curve. */
export interface NamedRun {
  /** Name of the curve. */
  readonly name: string;
  /** Report of the run. */
  readonly report: RunReport;
}

/** Options of {@linkcode curvesChart}. */
export interface CurvesOptions {
  /**
   * Metric on the vertical axis.
   *
   * @default "accuracy"
   */
  readonly metric?: MetricName;
  /**
   * Measure of progress on the horizontal axis.
   *
   * @default "round"
   */
  readonly over?: ProgressName;
  /** Title of the picture. Default: the names of both axes. */
  readonly title?: string;
}

/**
 * Draws the curves of several runs in one SVG picture; rounds without the metric are left out.
 *
 * @throws {RangeError} If no round of a run has the metric.
 */
export function curvesChart(runs: readonly NamedRun[], options: CurvesOptions = {}): string {
  const { metric = "accuracy", over = "round" } = options;
  const { axis: y, best, of } = METRICS[metric];
  const { axis: x, step } = PROGRESS[over];
  const lines = runs.map(({ name, report }): Line => {
    let at = 0;
    const points = report.rounds.flatMap((round): [number, number][] => {
      at += step(round);
      const value = of(round);
      return typeof value === "number" && Number.isFinite(value) ? [[at, value]] : [];
    });
    if (points.length === 0) {
      throw new RangeError(`Cannot plot ${name}: expected rounds with ${y.title}, got none`);
    }
    return { name, points };
  });
  const words = `${y.title} by ${x.title}`;
  const title = options.title ?? words[0]?.toUpperCase() + words.slice(1);
  return lineChart(lines, { title, x, y, best });
}

/** Draws the accuracy of one run by round. */
export function accuracyChart(report: RunReport): string {
  const { strategy, worldSize, seed } = report;
  return curvesChart([{ name: strategy, report }], {
    title: `Accuracy by round: ${strategy}, ${worldSize - 1} clients, seed ${seed}`,
  });
}

import type { RoundReport, RunReport } from "../../round/report/report.ts";
import { type Axis, type Line, lineChart } from "./chart.ts";
import { bytes } from "./terminal.ts";

const percent = (value: number, digits: number) => `${+(value * 100).toFixed(digits)}%`;

const SHARE: Omit<Axis, "title"> = {
  label: (value) => percent(value, 1),
  exact: (value) => percent(value, 2),
  most: 1,
};

const PLAIN: Omit<Axis, "title"> = {
  label: (value) => `${+value.toPrecision(3)}`,
  exact: (value) => value.toPrecision(4),
};

interface Metric {
  readonly axis: Axis;
  readonly best: "high" | "low";
  readonly of: (round: RoundReport) => number | undefined;
}

/** Metrics of rounds that can be drawn, by name. */
const METRICS = {
  accuracy: {
    axis: { title: "accuracy", ...SHARE },
    best: "high",
    of: ({ accuracy }) => accuracy,
  },
  loss: { axis: { title: "loss", ...PLAIN }, best: "low", of: ({ loss }) => loss },
  "train-loss": {
    axis: { title: "training loss", ...PLAIN },
    best: "low",
    of: ({ trainLoss }) => trainLoss,
  },
  "client-accuracy": {
    axis: { title: "mean accuracy of the clients", ...SHARE },
    best: "high",
    of: ({ clients }) => clients?.accuracy?.mean,
  },
  "worst-clients": {
    axis: { title: "mean accuracy of the worst tenth of the clients", ...SHARE },
    best: "high",
    of: ({ clients }) => clients?.accuracy?.worstDecile,
  },
} as const satisfies Record<string, Metric>;

interface Progress {
  readonly axis: Axis;
  /** Progress that a round makes beyond the one before. */
  readonly step: (round: RoundReport) => number;
}

/** Measures of progress for the horizontal axis, by name. */
const PROGRESS = {
  round: {
    axis: { title: "round", label: String, exact: (value) => `round ${value}`, isWhole: true },
    step: () => 1,
  },
  seconds: {
    axis: {
      title: "seconds",
      label: (value) => `${+value.toPrecision(3)}`,
      exact: (value) => `${value < 100 ? value.toPrecision(3) : value.toFixed(0)} s`,
      from: 0,
    },
    step: ({ seconds }) => seconds,
  },
  bytes: {
    axis: { title: "bytes sent both ways", label: bytes, from: 0 },
    step: ({ bytesUp, bytesDown }) => bytesUp + bytesDown,
  },
} as const satisfies Record<string, Progress>;

/** Name of a metric. */
export type MetricName = keyof typeof METRICS;
/** Name of a measure of progress. */
export type ProgressName = keyof typeof PROGRESS;

/** Names of all metrics. */
export const METRIC_NAMES = Object.keys(METRICS) as MetricName[];
/** Names of all measures of progress. */
export const PROGRESS_NAMES = Object.keys(PROGRESS) as ProgressName[];

/** Report of a run with the name of its curve. */
export interface NamedRun {
  readonly name: string;
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

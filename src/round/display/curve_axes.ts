import type { RoundReport } from "../report/report.ts";
import type { Axis } from "../../display/line_chart.ts";
import { bytes } from "../../display/amounts.ts";

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

/** Name of a metric. */
export type MetricName = "accuracy" | "loss" | "train-loss" | "client-accuracy" | "worst-clients";
/** Name of a measure of progress. */
export type ProgressName = "round" | "seconds" | "bytes";

interface Metric {
  readonly axis: Axis;
  readonly best: "high" | "low";
  readonly of: (round: RoundReport) => number | undefined;
}

/** Metrics of rounds that can be drawn, by name. */
export const METRICS: Readonly<Record<MetricName, Metric>> = {
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
};

interface Progress {
  readonly axis: Axis;
  /** Progress that a round makes beyond the one before. */
  readonly step: (round: RoundReport) => number;
}

/** Measures of progress for the horizontal axis, by name. */
export const PROGRESS: Readonly<Record<ProgressName, Progress>> = {
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
};

/** Names of all metrics. */
export const METRIC_NAMES: readonly MetricName[] = Object.keys(METRICS) as MetricName[];
/** Names of all measures of progress. */
export const PROGRESS_NAMES: readonly ProgressName[] = Object.keys(PROGRESS) as ProgressName[];

import { isRecord } from "../../base/json.ts";
import { oneLine, shortened } from "../../base/printable.ts";
import type { RoundReport, RunReport } from "../../round/report/report.ts";

/** Most characters of a text of a run that is kept. */
const MAX_TEXT = 1000;

/** Stage of a run: under way, over, or stopped before its end. */
export type RunStage = "running" | "finished" | "stopped";

/** Figures of one round of a run. */
export interface RoundRow {
  readonly round: number;
  readonly score?: number;
  readonly loss?: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly seconds: number;
}

/** A run in the index. */
export interface RunRecord {
  /** Name of its folder. */
  readonly name: string;
  /** Command that ran it; absent in runs of versions that kept no settings. */
  readonly command?: string;
  /** Time at which it began, in ISO 8601. */
  readonly began?: string;
  readonly strategy: string;
  readonly stage: RunStage;
  /** Number of rounds so far. */
  readonly rounds: number;
  /** Metric of `score` and `best`, such as `"accuracy"`. */
  readonly metric?: string;
  /** Value after the last round that was evaluated. */
  readonly score?: number;
  /** Best value of all rounds. */
  readonly best?: number;
  readonly loss?: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly seconds: number;
  /** SHA-256 of the final model, in hexadecimal. */
  readonly digest?: string;
  /** Settings of the command. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Settings of the run, as its report has them. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Reason for which files of the run cannot be read, or for which it stopped. */
  readonly fault?: string;
}

/** A record with its rounds. */
export interface RunDetails {
  readonly record: RunRecord;
  readonly rounds: readonly RoundRow[];
}

/** Metrics by which runs are compared, the first that they have. */
const METRICS: readonly (readonly [name: string, isBetter: (a: number, b: number) => boolean])[] = [
  ["accuracy", (a, b) => a > b],
  ["rmse", (a, b) => a < b],
  ["loss", (a, b) => a < b],
];

/** Summarizes rounds of a run: figures of each, and of them together. */
export function summaryOf(reports: readonly RoundReport[]): {
  readonly rows: readonly RoundRow[];
  readonly figures: Pick<
    RunRecord,
    "rounds" | "metric" | "score" | "best" | "loss" | "bytesUp" | "bytesDown" | "seconds"
  >;
} {
  const rounds = reports.filter((one) => isRecord(one));
  const [metric, isBetter] =
    METRICS.find(([name]) => rounds.some((one) => valueOf(one, name) !== undefined)) ?? [];
  const rows = rounds.map((one, i): RoundRow => {
    const score = metric === undefined ? undefined : valueOf(one, metric);
    const loss = finite(one.loss);
    return {
      round: finite(one.round) ?? i + 1,
      ...(score !== undefined && { score }),
      ...(loss !== undefined && { loss }),
      bytesUp: finite(one.bytesUp) ?? 0,
      bytesDown: finite(one.bytesDown) ?? 0,
      seconds: finite(one.seconds) ?? 0,
    };
  });
  const scores = rows.flatMap(({ score }) => score === undefined ? [] : [score]);
  const loss = rows.findLast(({ loss }) => loss !== undefined)?.loss;
  const best = isBetter && scores.reduce((a, b) => isBetter(b, a) ? b : a, scores[0] ?? NaN);
  const score = scores.at(-1);
  const sum = (of: (row: RoundRow) => number) => rows.reduce((total, row) => total + of(row), 0);
  return {
    rows,
    figures: {
      rounds: rows.length,
      ...(metric !== undefined && { metric }),
      ...(score !== undefined && { score }),
      ...(best !== undefined && { best }),
      ...(loss !== undefined && { loss }),
      bytesUp: sum((row) => row.bytesUp),
      bytesDown: sum((row) => row.bytesDown),
      seconds: sum((row) => row.seconds),
    },
  };
}

/** Collects what a report says of the settings of its run. */
export function factsOf(report: RunReport): Record<string, unknown> {
  const { seed, transport, worldSize, kernels, aggregation, uplink, downlink } = report;
  const facts = { seed, transport, worldSize, kernels, aggregation, uplink, downlink };
  const plan = isRecord(report.plan) ? report.plan : {};
  const all = Object.entries({ ...facts, ...plan, schedule: report.schedule });
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}

/** Returns a text of a report on one line, if it is one. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? shortened(oneLine(value), MAX_TEXT) : undefined;
}

/** Returns a value that is a finite number. */
export function finite(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function valueOf(report: RoundReport, metric: string): number | undefined {
  if (metric === "accuracy") return finite(report.accuracy);
  if (metric === "loss") return finite(report.loss);
  return finite(report.metrics?.[metric]);
}

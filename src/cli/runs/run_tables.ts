import { printable, shortened } from "../../base/printable.ts";
import { bytes, percent } from "../../display/amounts.ts";
import { Table } from "../output/table_deps.ts";
import { duration } from "../output/terminal.ts";
import type { RoundRow, RunDetails, RunRecord } from "./run_record.ts";

/** Number of characters of a digest that a table shows. */
const DIGEST = 12;

/** Most characters of a setting that a table shows. */
const MAX_SETTING = 40;

/** Options that say where a run writes, and not what it is. */
const OUTPUTS: ReadonlySet<string> = new Set([
  ...["out", "json", "csv", "resume", "tensorboard", "dashboard", "dashboardControl"],
  ...["config", "logDir", "loggerFile", "clusterCa"],
]);

/** Formats runs as a table. */
export function listTable(runs: readonly RunRecord[]): string {
  const head = ["run", "strategy", "stage", "rounds", "metric", "last", "best"];
  const table = tableOf([...head, "traffic", "time", "digest"], ["run", "strategy", "stage"]);
  for (const run of runs) {
    table.push([
      ...[printable(run.name), printable(run.strategy), run.stage, `${run.rounds}`],
      ...[run.metric ?? "", scoreText(run.metric, run.score), scoreText(run.metric, run.best)],
      ...[bytes(run.bytesUp + run.bytesDown), duration(run.seconds)],
      run.digest?.slice(0, DIGEST) ?? "",
    ]);
  }
  return table.toString();
}

/** Returns a line for each run of which something cannot be read, or that stopped early. */
export function faultLines(runs: readonly RunRecord[]): string[] {
  return runs.flatMap(({ name, fault }) =>
    fault === undefined ? [] : [`${printable(name)}: ${printable(fault)}`]
  );
}

/** Options of {@linkcode compareTable}. */
export interface CompareOptions {
  /** Value of the metric; the table says when each run first reached it. */
  readonly goal?: number | undefined;
}

/** Formats runs side by side: settings that differ, then figures. */
export function compareTable(
  runs: readonly RunDetails[],
  { goal }: CompareOptions = {},
): string {
  const records = runs.map(({ record }) => record);
  const table = tableOf(["", ...records.map(({ name }) => printable(name))], [""]);
  const push = (title: string, of: (run: RunDetails) => string) =>
    table.push([title, ...runs.map(of)]);
  for (const [name, values] of differences(records)) table.push([printable(name), ...values]);
  const metric = records.find(({ metric }) => metric !== undefined)?.metric;
  push("stage", ({ record }) => record.stage);
  push("rounds done", ({ record }) => `${record.rounds}`);
  if (metric !== undefined) {
    push(metric, ({ record }) => record.metric === metric ? scoreText(metric, record.score) : "");
    push(
      `best ${metric}`,
      ({ record }) => record.metric === metric ? scoreText(metric, record.best) : "",
    );
  }
  if (metric !== "loss") push("loss", ({ record }) => record.loss?.toPrecision(4) ?? "");
  push("bytes up", ({ record }) => bytes(record.bytesUp));
  push("bytes down", ({ record }) => bytes(record.bytesDown));
  push("seconds", ({ record }) => record.seconds.toFixed(1));
  if (goal !== undefined && metric !== undefined) {
    const reached = runs.map((run) => untilReached(run, metric, goal));
    const cell = (of: (until: Until) => string) =>
      reached.map((until) => until === undefined ? "not reached" : of(until));
    const shown = scoreText(metric, goal);
    table.push([`rounds to ${shown}`, ...cell(({ round }) => `${round}`)]);
    table.push([`bytes to ${shown}`, ...cell((until) => bytes(until.bytes))]);
    table.push([`seconds to ${shown}`, ...cell(({ seconds }) => seconds.toFixed(1))]);
  }
  push("digest", ({ record }) => record.digest?.slice(0, DIGEST) ?? "");
  return table.toString();
}

/** Settings that are not the same in all runs, by name, as texts; "" where a run has none. */
export function differences(runs: readonly RunRecord[]): [name: string, values: string[]][] {
  const settings = runs.map(settingsOf(runs));
  const names = new Set(settings.flatMap((one) => Object.keys(one)));
  return [...names].filter((name) => !OUTPUTS.has(name)).flatMap((name) => {
    const values = settings.map((one) =>
      Object.hasOwn(one, name) ? printable(shortened(settingText(one[name]), MAX_SETTING)) : ""
    );
    const whole = settings.map((one) => settingText(one[name]));
    return new Set(whole).size > 1 ? [[name, values] as [string, string[]]] : [];
  });
}

/**
 * Chooses what the runs are compared by: the options of their commands where all of them have kept
 * them, else what their reports say.
 */
function settingsOf(
  runs: readonly RunRecord[],
): (run: RunRecord) => Readonly<Record<string, unknown>> {
  const haveAll = runs.every(({ settings }) => settings !== undefined);
  return ({ command, strategy, settings, facts }) => {
    if (!haveAll) return { strategy, ...facts };
    const { transport, worldSize, kernels } = facts;
    return { command, strategy, ...settings, transport, worldSize, kernels };
  };
}

function settingText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value) ?? "";
}

/** Cost of a run until it first reached a value. */
type Until = { readonly round: number; readonly bytes: number; readonly seconds: number };

function untilReached(
  { record, rounds }: RunDetails,
  metric: string,
  goal: number,
): Until | undefined {
  if (record.metric !== metric) return undefined;
  let total = 0, seconds = 0;
  for (const row of rounds) {
    total += row.bytesUp + row.bytesDown;
    seconds += row.seconds;
    if (isReached(row, metric, goal)) return { round: row.round, bytes: total, seconds };
  }
}

function isReached({ score }: RoundRow, metric: string, goal: number): boolean {
  if (score === undefined) return false;
  return metric === "accuracy" ? score >= goal : score <= goal;
}

/** Formats a value of a metric. */
export function scoreText(metric: string | undefined, value: number | undefined): string {
  if (value === undefined) return "";
  return metric === "accuracy" ? percent(value) : value.toPrecision(4);
}

function tableOf(head: string[], left: readonly string[]): Table.Table {
  return new Table({
    head,
    colAligns: head.map((name) => left.includes(name) ? "left" : "right"),
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
}

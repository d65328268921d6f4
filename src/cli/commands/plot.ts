import type { RunReport } from "../../round/report/report.ts";
import {
  curvesChart,
  METRIC_NAMES,
  type MetricName,
  type NamedRun,
  PROGRESS_NAMES,
  type ProgressName,
} from "../output/curves.ts";
import { choice, UsageError } from "../options/options.ts";
import { STANDARD_OUTPUT, writeOutput } from "../options/outputs.ts";
import { readReport } from "../output/report_file.ts";
import { runsCsv } from "../output/rounds_csv.ts";
import { type ReportedRun, runNames } from "../run/run_names.ts";
import { printError } from "../output/terminal.ts";
import { Command } from "../deps.ts";

interface PlotFlags {
  out?: string;
  csv?: string;
  metric: MetricName;
  x: ProgressName;
  title?: string;
}

/** `plot`: learning curves of several runs over one another. */
export function plotCommand(): Command {
  return new Command("plot")
    .description("draws the learning curves of runs over one another, from their reports")
    .argument("<run...>", "reports (report.json) of runs, or the folders that have them")
    .option("--out <file>", "the picture (SVG)")
    .option("--csv <file>", "write the rounds of all runs as one table")
    .addOption(choice("--metric <name>", "what is drawn", METRIC_NAMES, "accuracy"))
    .addOption(choice("--x <name>", "what it is drawn over", PROGRESS_NAMES, "round"))
    .option("--title <text>", "the picture's title (default: what is drawn)")
    .option("--verbose", "show the stack of an error", false)
    .action(runPlot);
}

async function runPlot(paths: string[], flags: PlotFlags): Promise<void> {
  const { out, csv, metric, x, title } = flags;
  if (out === undefined && csv === undefined) throw new UsageError("expected --out or --csv");
  const reports: (ReportedRun & { report: RunReport })[] = [];
  for (const given of paths) {
    const { path, report } = await readReport(given);
    reports.push({ path, strategy: report.strategy, report });
  }
  const names = runNames(reports);
  const runs: NamedRun[] = reports.map(({ report }, i) => ({ name: names[i] ?? "", report }));
  const files: [path: string | undefined, text: () => string][] = [
    [out, () => curvesChart(runs, { metric, over: x, ...(title !== undefined && { title }) })],
    [csv, () => runsCsv(runs)],
  ];
  for (const [path, text] of files) {
    if (path === undefined) continue;
    await writeOutput(path, text());
    if (path !== STANDARD_OUTPUT) printError(`Wrote ${path}`);
  }
}

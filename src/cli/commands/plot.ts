import type { RunReport } from "../../round/report/report.ts";
import type { Command } from "../deps.ts";
import { makeCommand } from "../options/command.ts";
import { UsageError } from "../options/option.ts";
import type { Flags } from "../options/table.ts";
import { curvesChart, type NamedRun } from "../../round/display/curves.ts";
import { readReport } from "../output/report_file.ts";
import { runsCsv } from "../output/rounds_csv.ts";
import { printError } from "../output/terminal.ts";
import { STANDARD_OUTPUT, writeOutput } from "../output/write_output.ts";
import { type ReportedRun, runNames } from "../run/run_names.ts";

/** `plot`: learning curves of several runs in one picture. */
export function plotCommand(): Command {
  return makeCommand("plot", {
    description: "Draws the learning curves of runs in one picture, from their reports.",
    example: "deno task plot runs/one runs/two --out curves.svg",
  }).argument("<run...>", "reports (report.json) of runs, or folders that contain them")
    .action(runPlot);
}

async function runPlot(paths: string[], flags: Flags<"plot">): Promise<void> {
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

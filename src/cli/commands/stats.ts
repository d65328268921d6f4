import type { KeyList } from "../../auth/allowed_keys.ts";
import { isCondition, parseCondition } from "../../data/schema/condition.ts";
import { quoted, shownNames } from "../../data/schema/names.ts";
import { DEFAULT_MIN_COUNT } from "../../data/statistics/limits.ts";
import { type LocalSite, surveyTables } from "../../data/statistics/local_survey.ts";
import { marksOf } from "../../data/statistics/marked_table.ts";
import type { SurveyOptions, SurveyResult } from "../../data/statistics/survey_options.ts";
import { ServerStatisticsTop } from "../../server/statistics/statistics_topology.ts";
import type { CommandContext } from "../context.ts";
import type { Command } from "../deps.ts";
import { makeCommand } from "../options/command.ts";
import { UsageError } from "../options/option.ts";
import { type Flags, libraryOptions } from "../options/table.ts";
import { splitNames } from "../options/values.ts";
import { histogramChart } from "../output/histogram_chart.ts";
import { statisticsText } from "../output/statistics_table.ts";
import { RunProgress } from "../output/run_progress.ts";
import { isTerminal, printError } from "../output/terminal.ts";
import { printerBeside, writeOutput } from "../output/write_output.ts";
import { openSource } from "../run/data.ts";
import { toJson } from "../run/run_folder.ts";
import { reloadKeys, serverSecurity } from "../run/security.ts";

/** `stats`: figures of the data of all clients. */
export function statsCommand(context: CommandContext): Command {
  return makeCommand("stats", {
    description:
      "Summarizes the data of all clients by counts, sums and histograms; no row leaves a client.",
    example: "deno task stats --world-size 5 --svg figures.svg",
  }).action((flags: Flags<"stats">) => runStats(flags, context));
}

async function runStats(flags: Flags<"stats">, context: CommandContext): Promise<void> {
  const { data, json, svg } = flags;
  const minCount = flags.minCount ?? (data === undefined ? DEFAULT_MIN_COUNT : 1);
  const summary = data === undefined
    ? await askClients(flags, minCount, context)
    : await readFiles(data, flags, minCount, context.signal);
  const report = { schema: "fedlab.statistics/1", minCount, ...summary };
  if (json !== undefined) await writeOutput(json, toJson(report));
  if (svg !== undefined) {
    const title = `${summary.rows} rows of ${summary.sites.length} sites`;
    await writeOutput(svg, histogramChart(summary.columns, title));
  }
  printerBeside(json, svg)(statisticsText(summary));
}

function surveyFrom(flags: Flags<"stats">): SurveyOptions {
  const { target, columns: choice, columnOrder: order, quantiles, bins, categories } = flags;
  const { excludeColumns } = flags;
  return {
    ...{ choice, order, bins, tolerance: flags.quantileError },
    marks: marksOf(libraryOptions("table", flags)),
    ...(excludeColumns && { exclude: excludeColumns }),
    ...(quantiles && { quantiles }),
    ...(categories && { categories }),
    ...(target !== undefined && {
      target: (columns) => findTarget(target, columns.map(({ name }) => name)),
    }),
  };
}

/** Returns the target if the data have its column. */
function findTarget(target: string, names: readonly string[]): string {
  const column = !names.includes(target) && isCondition(target)
    ? parseCondition(target).column
    : target;
  if (names.includes(column)) return target;
  throw new RangeError(
    `Cannot count the classes: expected the column ${quoted(column)}, got ${shownNames(names)}`,
  );
}

/** Asks clients, which run the command `client` as ever. */
async function askClients(
  flags: Flags<"stats">,
  minCount: number,
  { signal, onHangUp }: CommandContext,
): Promise<SurveyResult> {
  const { worldSize, minClients, listen } = flags;
  if (worldSize === undefined) throw new UsageError("expected --world-size, or files by --data");
  if (minClients !== undefined && minClients >= worldSize) {
    throw new UsageError(
      `expected --min-clients below the world size of ${worldSize}, got ${minClients}`,
    );
  }
  const list: { keys?: KeyList } = {};
  using _hangUp = onHangUp?.(() => void reloadKeys(list.keys, isTerminal()));
  const { keys, ...security } = await serverSecurity(flags);
  if (keys !== undefined) list.keys = keys;
  const shown = new RunProgress({ showsClients: false });
  const survey = surveyFrom(flags);
  const topology = new ServerStatisticsTop({
    ...libraryOptions("server", flags),
    ...security,
    ...{ listen, worldSize, minCount },
    survey,
    timeouts: libraryOptions("timeouts", flags),
    limits: libraryOptions("limits", flags),
    log: { console: !isTerminal() },
    // The bar is for rounds.
    onEvent: (event) => isTerminal() && event.type !== "round-started" && shown.show(event),
  });
  await topology.run({ signal });
  if (topology.summary === undefined) throw new Error("Cannot show figures: nobody was asked");
  return topology.summary;
}

/** Summarizes tables in files. */
async function readFiles(
  paths: string,
  flags: Flags<"stats">,
  minCount: number,
  signal: AbortSignal,
): Promise<SurveyResult> {
  const sites: LocalSite[] = [];
  for (const path of new Set(splitNames(paths))) {
    const source = await openSource({ ...flags, data: path }, signal);
    const tables = await source.tables?.();
    if (tables === undefined) throw new UsageError(`expected tables with --data, got ${path}`);
    const { train, options: { units = {} } } = tables;
    sites.push({ table: train, units, share: "site", note: printError });
  }
  const summary = surveyTables(sites, minCount, surveyFrom(flags));
  summary.notes.forEach(printError);
  return summary;
}

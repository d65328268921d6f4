import { parsePartition, partsOf } from "../../data/partition/partition.ts";
import { type PartitionReport, partitionReport } from "../../data/partition/report.ts";
import type { CommandContext } from "../context.ts";
import type { Command } from "../deps.ts";
import { makeCommand } from "../options/command.ts";
import type { Flags } from "../options/table.ts";
import { partitionChart } from "../../data/display/partition_chart.ts";
import { partitionTable } from "../output/partition_table.ts";
import { printError } from "../output/terminal.ts";
import { printerBeside, STANDARD_OUTPUT, writeOutput } from "../output/write_output.ts";
import { checkSchemaFlags } from "../run/check_schema_flags.ts";
import { loadData } from "../run/data.ts";
import { toJson } from "../run/run_folder.ts";

/** `partition`: the division of a data set among clients. */
export function partitionCommand({ signal }: CommandContext): Command {
  const command = makeCommand("partition", {
    description: "Divides a data set among clients and shows what each of them gets.",
    example: "deno task partition --dataset mnist --partition dirichlet:0.3 --plot labels.svg",
  });
  return command.action((flags: Flags<"partition">) => {
    const isGiven = (name: string) => command.getOptionValueSource(name) === "cli";
    checkSchemaFlags("partition", flags, isGiven);
    return runPartition(flags, isGiven("clients"), signal);
  });
}

async function runPartition(
  flags: Flags<"partition">,
  isCounted: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { partition: spec, seed } = flags;
  const scheme = parsePartition(spec);
  const { name, train, ids, notes } = await loadData(flags, signal);
  notes.forEach(printError);
  const clients = isCounted ? flags.clients : partsOf(scheme, ids) ?? flags.clients;
  const parts = scheme.deal(train, { parts: clients, seed, ...(ids && { ids }) });
  const report = partitionReport(parts, train);
  // Only the last step of a path, to leave room for the rest of the title.
  const title = `${name.split("/").findLast((step) => step !== "")}, ${spec}: ${
    report.rows.toLocaleString("en-US")
  } rows, ${clients.toLocaleString("en-US")} clients, seed ${seed}`;
  const show = printerBeside(flags.plot, flags.csv, flags.json);
  show(title);
  show(partitionTable(report));
  const files: [path: string | undefined, text: () => string][] = [
    [flags.plot, () => partitionChart(report, title)],
    [flags.csv, () => toCsv(report)],
    [flags.json, () =>
      toJson({
        schema: "fedlab.partition/1",
        dataset: name,
        partition: spec,
        clients,
        seed,
        ...report,
      })],
  ];
  for (const [path, text] of files) {
    if (path === undefined) continue;
    await writeOutput(path, text());
    if (path !== STANDARD_OUTPUT) printError(`Wrote ${path}`);
  }
}

function toCsv({ parts }: PartitionReport): string {
  const labels = parts[0]?.labels.keys().toArray() ?? [];
  const rows = parts.map(({ size, labels }, part) => [part + 1, size, ...labels].join());
  const head = ["client", "size", ...labels.map((label) => `label_${label}`)].join();
  return [head, ...rows, ""].join("\n");
}

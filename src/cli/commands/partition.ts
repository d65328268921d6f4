import { parsePartition } from "../../data/partition/partition.ts";
import { type PartitionReport, partitionReport } from "../../data/partition/report.ts";
import type { CommandContext } from "../context.ts";
import { type DataFlags, loadData, withData } from "../options/data.ts";
import { whole, withCommon } from "../options/options.ts";
import { withPartition } from "../options/partition_options.ts";
import { printerBeside, STANDARD_OUTPUT, writeOutput } from "../options/outputs.ts";
import { partitionChart } from "../output/partition_chart.ts";
import { toJson } from "../run/run_folder.ts";
import { partitionTable, printError } from "../output/terminal.ts";
import { Command } from "../deps.ts";

interface PartitionFlags extends DataFlags {
  partition: string;
  clients: number;
  seed: number;
  plot?: string;
  csv?: string;
  json?: string;
}

/** `partition`: what a partition makes of a data set, before anything is trained on it. */
export function partitionCommand({ signal }: CommandContext): Command {
  const command = new Command("partition")
    .description("deals a data set out to clients and shows what each of them gets")
    .option("--clients <n>", "number of clients", whole(1), 10)
    .option("--plot <file>", "draw rows and labels of each client (SVG)")
    .option("--csv <file>", "write rows and labels of each client as a table");
  withData(command, "data to deal out");
  withPartition(command, "how the data is dealt");
  withCommon(command, "seed of the partition");
  return command.action((flags: PartitionFlags) => runPartition(flags, signal));
}

async function runPartition(flags: PartitionFlags, signal: AbortSignal): Promise<void> {
  const { partition: spec, clients, seed } = flags;
  const scheme = parsePartition(spec);
  const { name, train, ids } = await loadData(flags, signal);
  const parts = scheme.deal(train, { parts: clients, seed, ...(ids && { ids }) });
  const report = partitionReport(parts, train);
  // The last step of a path, so that the picture has room for the rest.
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

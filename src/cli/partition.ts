import { loadDataset } from "../data/load.ts";
import { parsePartition } from "../data/partition.ts";
import { type PartitionReport, partitionReport } from "../data/partition_report.ts";
import type { CommandContext } from "./_context.ts";
import { whole, withCommon, withPartition } from "./_options.ts";
import { partitionChart } from "./_partition_chart.ts";
import { toJson } from "./_run_folder.ts";
import { partitionTable, print, printError } from "./_terminal.ts";
import { Command } from "./deps.ts";

interface PartitionFlags {
  data: string;
  dataDir: string;
  partition: string;
  clients: number;
  seed: number;
  plot?: string;
  csv?: string;
  json?: string;
}

/** `partition`: what a partition makes of a data set, before anything is trained on it. */
export function partitionCommand(_context: CommandContext): Command {
  const command = new Command("partition")
    .description("deals a data set out to clients and shows what each of them gets")
    .option(
      "--dataset, --data <name>",
      "digits, mnist, or the path of a CSV or IDX file or a folder",
      "digits",
    )
    .option("--data-dir <dir>", "folder of data sets named by a word", "data")
    .option("--clients <n>", "number of clients", whole(1), 10)
    .option("--plot <file>", "draw rows and labels of each client (SVG)")
    .option("--csv <file>", "write rows and labels of each client as a table");
  withPartition(command, "how the data is dealt");
  withCommon(command, "seed of the partition");
  return command.action(runPartition);
}

async function runPartition(flags: PartitionFlags): Promise<void> {
  const { partition: spec, clients, seed } = flags;
  const scheme = parsePartition(spec);
  const { name, train } = await loadDataset(flags.data, { dataDir: flags.dataDir });
  const report = partitionReport(scheme.deal(train, { parts: clients, seed }), train);
  // The last step of a path, so that the picture has room for the rest.
  const title = `${name.split("/").findLast((step) => step !== "")}, ${spec}: ${
    report.rows.toLocaleString("en-US")
  } rows, ${clients.toLocaleString("en-US")} clients, seed ${seed}`;
  print(title);
  print(partitionTable(report));
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
    await Deno.writeTextFile(path, text());
    printError(`Wrote ${path}`);
  }
}

function toCsv({ parts }: PartitionReport): string {
  const labels = parts[0]?.labels.keys().toArray() ?? [];
  const rows = parts.map(({ size, labels }, part) => [part + 1, size, ...labels].join());
  const head = ["client", "size", ...labels.map((label) => `label_${label}`)].join();
  return [head, ...rows, ""].join("\n");
}

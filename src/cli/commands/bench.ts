import type { BenchOptions, BenchResult } from "../../../bench/result.ts";
import { withCommon } from "../options/options.ts";
import { printerBeside, writeOutput } from "../options/outputs.ts";
import { printError } from "../output/terminal.ts";
import { Command, InvalidArgumentError, Table } from "../deps.ts";
import type { CommandContext } from "../context.ts";

interface BenchFlags {
  seed: number;
  json?: string;
}

type Bench = (options: BenchOptions) => Promise<BenchResult[]>;

/** The groups, in the order in which they run. None is loaded before it is asked for. */
const GROUPS: Readonly<Record<string, () => Promise<Bench>>> = {
  params: async () => (await import("../../../bench/params.ts")).paramsBench,
  wire: async () => (await import("../../../bench/wire.ts")).wireBench,
  net: async () => (await import("../../../bench/net.ts")).netBench,
  memory: async () => (await import("../../../bench/memory.ts")).memoryBench,
  start: async () => (await import("../../../bench/start.ts")).startBench,
  train: async () => (await import("../../../bench/train.ts")).trainBench,
  sim: async () => (await import("../../../bench/sim.ts")).simBench,
};
const GROUP_NAMES = Object.keys(GROUPS);

/** `bench`: speed and memory, each beside what bounds it. */
export function benchCommand(context: CommandContext): Command {
  const command = new Command("bench")
    .description("speed and memory of this machine's build, each beside what bounds it")
    .argument("[groups...]", `${GROUP_NAMES.join(", ")} (default: all of them)`, addGroup);
  withCommon(command, "seed of the runs that are measured");
  return command.action((groups: string[] | undefined, flags: BenchFlags) =>
    runBench(groups ?? [], flags, context)
  );
}

function addGroup(name: string, before: string[] = []): string[] {
  if (!Object.hasOwn(GROUPS, name)) {
    throw new InvalidArgumentError(`Allowed groups are ${GROUP_NAMES.join(", ")}.`);
  }
  return [...before, name];
}

async function runBench(
  groups: readonly string[],
  { seed, json }: BenchFlags,
  { signal }: CommandContext,
): Promise<void> {
  const results: BenchResult[] = [];
  for (const [name, load] of Object.entries(GROUPS)) {
    if (groups.length > 0 && !groups.includes(name)) continue;
    signal.throwIfAborted();
    printError(`Measuring ${name}`);
    const bench = await load();
    results.push(...await bench({ seed, signal }));
  }
  printerBeside(json)(benchTable(results));
  if (json !== undefined) await writeOutput(json, benchJson(results));
}

/** The results as a table, a row each; a ratio that is missed is marked. */
export function benchTable(results: readonly BenchResult[]): string {
  const table = new Table({
    head: ["name", "value", "ceiling", "ratio", "target", "min", "median"],
    colAligns: ["left", "right", "right", "right", "left", "right", "right"],
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  for (const { name, unit, value, ceiling, ratio, min, median, target } of results) {
    const repetitionUnit = unit === "MB" || unit === "bytes" ? unit : "ms";
    table.push([
      name,
      `${figure(value)} ${unit}`,
      `${figure(ceiling)} ${unit}`,
      ratio.toFixed(2),
      target === undefined ? "" : `≥ ${target.toFixed(2)}${ratio >= target ? "" : " missed"}`,
      `${figure(min)} ${repetitionUnit}`,
      `${figure(median)} ${repetitionUnit}`,
    ]);
  }
  return table.toString();
}

/** Three digits, or all of those before the point. */
function figure(value: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(value, 0.001))));
  return value.toFixed(digits);
}

/** The results as a machine reads them. */
export function benchJson(results: readonly BenchResult[]): string {
  const report = {
    schema: "fedlab.bench/1",
    results: results.map(({ name, unit, value, ceiling, ratio, min, median }) => ({
      name,
      unit,
      value,
      ceiling,
      ratio,
      min,
      median,
    })),
  };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

/**
 * The benchmark: speed and memory, each figure beside its ceiling.
 *
 *     deno task bench
 *     deno task bench wire net --json bench.json
 *
 * @module
 */

import { errorMessage } from "../src/base/errors.ts";
import { Command, InvalidArgumentError } from "../src/cli/deps.ts";
import { printerBeside, writeOutput } from "../src/cli/output/write_output.ts";
import { printError } from "../src/cli/output/terminal.ts";
import { BENCH_HEAD, benchJson, benchRow } from "./report.ts";
import type { BenchOptions, BenchResult } from "./result.ts";

/** Group of benchmarks, which gives its results as they come, or all at its end. */
type Bench = (options: BenchOptions) => AsyncIterable<BenchResult> | Promise<BenchResult[]>;

/** The groups in the order in which they run; each is loaded just before it runs. */
const GROUPS: Readonly<Record<string, () => Promise<Bench>>> = {
  params: async () => (await import("./groups/params.ts")).paramsBench,
  codec: async () => (await import("./groups/codec.ts")).codecBench,
  secure: async () => (await import("./groups/secure.ts")).secureBench,
  wire: async () => (await import("./groups/wire.ts")).wireBench,
  net: async () => (await import("./groups/net.ts")).netBench,
  memory: async () => (await import("./groups/memory.ts")).memoryBench,
  data: async () => (await import("./groups/data.ts")).dataBench,
  start: async () => (await import("./groups/start.ts")).startBench,
  train: async () => (await import("./groups/train.ts")).trainBench,
  sequences: async () => (await import("./groups/sequences.ts")).sequencesBench,
  encoder: async () => (await import("./groups/encoder.ts")).encoderBench,
  page: async () => (await import("./groups/page.ts")).pageBench,
  sim: async () => (await import("./groups/sim.ts")).simBench,
  scale: async () => (await import("./groups/scale.ts")).scaleBench,
  cluster: async () => (await import("./groups/cluster.ts")).clusterBench,
  links: async () => (await import("./groups/links.ts")).linksBench,
  peers: async () => (await import("./groups/peers.ts")).peersBench,
};
/** Groups that take minutes: they run where they are named, or with --long. */
const LONG_GROUPS: readonly string[] = ["page", "cluster", "links", "peers"];
const GROUP_NAMES = Object.keys(GROUPS);

/** Exit status of a process that SIGINT ended. */
const INTERRUPTED = 130;

function addGroup(name: string, before: string[] = []): string[] {
  if (!Object.hasOwn(GROUPS, name)) {
    throw new InvalidArgumentError(`Allowed groups are ${GROUP_NAMES.join(", ")}.`);
  }
  return [...before, name];
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (/^\d+$/.test(text) && seed <= 0xFFFF_FFFF) return seed;
  throw new InvalidArgumentError(`Expected a whole number from 0 to ${0xFFFF_FFFF}.`);
}

/** Gives the results of a group in turn. */
async function* rowsOf(results: ReturnType<Bench>): AsyncGenerator<BenchResult> {
  if (results instanceof Promise) yield* await results;
  else yield* results;
}

async function runBench(
  groups: readonly string[],
  { seed, long = false, json, signal }: {
    seed: number;
    long?: boolean;
    json?: string;
    signal: AbortSignal;
  },
): Promise<void> {
  const results: BenchResult[] = [], print = printerBeside(json);
  print(BENCH_HEAD);
  for (const [name, load] of Object.entries(GROUPS)) {
    const isMeant = groups.length > 0 ? groups.includes(name) : long || !LONG_GROUPS.includes(name);
    if (!isMeant) continue;
    signal.throwIfAborted();
    printError(`Measuring ${name}`);
    const bench = await load();
    for await (const result of rowsOf(bench({ seed, long, signal }))) {
      print(benchRow(result));
      results.push(result);
    }
  }
  if (json !== undefined) await writeOutput(json, benchJson(results));
}

if (import.meta.main) {
  const stop = new AbortController();
  Deno.addSignalListener("SIGINT", () => {
    if (stop.signal.aborted) Deno.exit(INTERRUPTED);
    stop.abort(new Error("stopped"));
  });
  const program = new Command("bench")
    .description("Measures speed and memory on this machine, each figure beside its ceiling.")
    .argument("[groups...]", `${GROUP_NAMES.join(", ")} (default: all)`, addGroup)
    .option("--seed <n>", "seed of the measured runs", parseSeed, 0)
    .option("--long", "measure larger sizes too, which take minutes")
    .option("--json <file>", "write the results as JSON; - for standard output")
    .action((
      groups: string[] | undefined,
      flags: { seed: number; long?: boolean; json?: string },
    ) => runBench(groups ?? [], { ...flags, signal: stop.signal }));
  try {
    await program.parseAsync(Deno.args, { from: "user" });
    Deno.exit(0);
  } catch (error) {
    printError(`error: ${errorMessage(error)}`);
    Deno.exit(stop.signal.aborted ? INTERRUPTED : 1);
  }
}

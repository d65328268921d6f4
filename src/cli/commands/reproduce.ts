import { parsePartition } from "../../data/partition/partition.ts";
import { arraySource } from "../../data/sources/array_source.ts";
import { Simulation } from "../../sim/simulation.ts";
import { parseStrategy } from "../../strategy/registry.ts";
import type { CommandContext } from "../context.ts";
import { type Command, InvalidArgumentError } from "../deps.ts";
import { Table } from "../output/table_deps.ts";
import { makeCommand } from "../options/command.ts";
import { dataFrom } from "../options/data.ts";
import { UsageError } from "../options/option.ts";
import { withAbsolutePaths } from "../options/resume.ts";
import { type Flags, libraryOptions } from "../options/table.ts";
import { printError } from "../output/terminal.ts";
import { printerBeside, writeOutput } from "../output/write_output.ts";
import { type CommandData, loadData } from "../run/data.ts";
import { openKept } from "../run/kept_run.ts";
import { type Case, CASES, CLIENTS, FRACTION } from "../run/published_cases.ts";
import { toJson } from "../run/run_folder.ts";
import { buildServer } from "../run/server_job.ts";

const NAMES = CASES.map(({ name }) => name);

/** Result of a case with one seed. */
interface Outcome {
  readonly name: string;
  readonly seed: number;
  /** Absent when the target was not reached. */
  readonly rounds?: number;
  readonly accuracy: number;
  readonly seconds: number;
  readonly isInside: boolean;
  readonly modelDigest: string;
}

/** `reproduce`: published results and those of this machine. */
export function reproduceCommand({ signal }: CommandContext): Command {
  return makeCommand("reproduce", {
    description: "Repeats published FedAvg experiments on MNIST and compares the results.",
    example: "deno task reproduce --short",
  }).argument("[cases...]", `${NAMES.join(", ")} (default: all)`, addCase)
    .action((names: string[] | undefined, flags: Flags<"reproduce">) =>
      runReproduce(names ?? [], flags, signal)
    );
}

function addCase(name: string, before: string[] = []): string[] {
  if (!NAMES.includes(name)) {
    throw new InvalidArgumentError(`Allowed cases are ${NAMES.join(", ")}.`);
  }
  return [...before, name];
}

async function runReproduce(
  names: readonly string[],
  flags: Flags<"reproduce">,
  signal: AbortSignal,
): Promise<void> {
  const long = CASES.find(({ name, isShort }) => names.includes(name) && !isShort);
  if (flags.short && long) throw new UsageError(`expected no --short with ${long.name}`);
  const data = await loadData(flags, signal);
  const cases = CASES.filter(({ name, isShort }) =>
    (names.length === 0 || names.includes(name)) && (isShort || !flags.short)
  );
  const outcomes: Outcome[] = [];
  for (const one of cases) {
    const prepared = await dataFor(one, data);
    for (let seed = flags.seed; seed <= flags.seed + (one.moreSeeds ?? 0); seed++) {
      const outcome = await runCase(one, seed, prepared, flags, signal);
      outcomes.push(outcome);
      printError(line(one, outcome));
    }
  }
  printerBeside(flags.json)(outcomeTable(outcomes));
  if (flags.json !== undefined) {
    await writeOutput(
      flags.json,
      toJson({ schema: "fedlab.reproduce/1", clients: CLIENTS, fraction: FRACTION, outcomes }),
    );
  }
  const outside = outcomes.filter(({ isInside }) => !isInside);
  if (outside.length > 0) {
    throw new Error(
      `${outside.length} of ${outcomes.length} runs are outside what was expected: ${
        outside.map(({ name, seed }) => `${name} with seed ${seed}`).join(", ")
      }`,
    );
  }
}

/** Prepares the data of a case. */
async function dataFor(
  { standardize = false }: Case,
  { name, train, test }: CommandData,
): Promise<CommandData> {
  const source = arraySource({ name, train, ...(test && { test }), standardize });
  const arranged = await source.arrange(undefined);
  return {
    name,
    train: arranged.train.share(),
    ...(arranged.test && { test: arranged.test.share() }),
    notes: [],
  };
}

/** Collects the settings that determine the rounds of a case. */
function settingsOf(
  { model, partition, strategy, epochs, batchSize, lr, standardize = false }: Case,
  flags: Flags<"reproduce">,
): Record<string, unknown> {
  const { dataDir: _, ...data } = dataFrom(flags);
  const { strictDeterminism } = flags;
  return withAbsolutePaths("reproduce", {
    ...{ model, partition, strategy, epochs, batchSize, lr, standardizedCase: standardize },
    ...{ ...data, strictDeterminism },
  });
}

async function runCase(
  one: Case,
  seed: number,
  { train, test }: CommandData,
  flags: Flags<"reproduce">,
  signal: AbortSignal,
): Promise<Outcome> {
  const { name, model, partition, strategy, target, least, most, epochs, batchSize, lr } = one;
  const plan = {
    ...{ epochs, batchSize, learningRate: lr },
    ...{ momentum: 0, weightDecay: 0, keepMomentum: false },
  };
  const engine = libraryOptions("engine", flags);
  await using server = await buildServer({
    model,
    data: train,
    plan,
    strategy: parseStrategy(strategy),
    cohort: { fraction: FRACTION },
    seed,
    engine,
  });
  const { runsDir } = flags;
  const settings = settingsOf(one, flags);
  using kept = runsDir === undefined
    ? undefined
    : await openKept(`${runsDir}/${name}-${seed}`, settings);
  const simulation = new Simulation(server.handler, {
    ...libraryOptions("simulation", flags),
    ...engine,
    train,
    parts: parsePartition(partition).deal(train, { parts: CLIENTS, seed }),
    rounds: most,
    targetAccuracy: target,
    ...(test && { test }),
    ...(kept && { checkpoints: kept.checkpoints, notes: { settings } }),
    ...(kept?.resume && { resume: kept.resume }),
    onEvent: (event) => {
      if (event.type !== "round-ended") return;
      const { round, accuracy = NaN, seconds } = event.report;
      const percent = (accuracy * 100).toFixed(2);
      if (round % 10 === 0 || seconds > 5) {
        printError(`${name}, seed ${seed}: round ${round}, accuracy ${percent}%`);
      }
    },
  });
  const { rounds, final, seconds, modelDigest } = await simulation.run({ signal });
  const accuracy = final?.accuracy ?? NaN;
  const reached = accuracy >= target;
  return {
    name,
    seed,
    ...(reached && { rounds: rounds.length }),
    accuracy,
    seconds,
    isInside: reached && rounds.length >= least && rounds.length <= most,
    modelDigest,
  };
}

function line({ most }: Case, { name, seed, rounds, accuracy, seconds }: Outcome): string {
  const reached = rounds === undefined ? `not within ${most} rounds` : `${rounds} rounds`;
  const percent = (accuracy * 100).toFixed(2);
  return `${name}, seed ${seed}: ${reached}, ${percent}%, ${seconds.toFixed(1)} s`;
}

/** Formats published and measured rounds as a table. */
function outcomeTable(outcomes: readonly Outcome[]): string {
  const table = new Table({
    head: ["case", "seed", "to", "published", "expected", "here", "seconds", ""],
    colAligns: ["left", "right", "right", "right", "right", "right", "right", "left"],
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  for (const { name, seed, rounds, seconds, isInside } of outcomes) {
    const known = CASES.find((one) => one.name === name);
    if (!known) continue;
    const { target, published, least, most } = known;
    table.push([
      name,
      seed,
      `${target * 100}%`,
      published,
      least === 1 ? `≤ ${most}` : `${least} to ${most}`,
      rounds ?? `> ${most}`,
      seconds.toFixed(1),
      isInside ? "inside" : "outside",
    ]);
  }
  return table.toString();
}

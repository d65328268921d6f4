import type { Dataset } from "../../data/dataset.ts";
import { parsePartition } from "../../data/partition/partition.ts";
import { holdOut } from "../../data/split.ts";
import type { Partition } from "../../data/partition/rows.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import type { RunReport } from "../../round/report/report.ts";
import { Simulation } from "../../sim/simulation.ts";
import { conduct } from "../run/conduct.ts";
import {
  checkpointsIn,
  holdResumed,
  readCheckpoint,
  type SaveFlags,
  withSaveTries,
} from "../run/checkpoints.ts";
import type { CommandContext } from "../context.ts";
import { type DataFlags, loadData, withData } from "../options/data.ts";
import {
  choice,
  type EngineFlags,
  engineFrom,
  planFrom,
  real,
  type SelectionFlags,
  selectionFrom,
  type StrategyFlags,
  strategyFrom,
  type TrainFlags,
  UsageError,
  whole,
  withCommon,
  withEngine,
  withSelection,
  withStrategy,
  withTraining,
} from "../options/options.ts";
import { withHoldOut, withPartition } from "../options/partition_options.ts";
import {
  type RoundLimitFlags,
  roundLimitsFrom,
  type UpdateBoundFlags,
  updateBoundFrom,
  withRoundLimits,
  withUpdateBound,
} from "../options/round_limits.ts";
import { mergeFlags, resumeNotes } from "../options/resume.ts";
import { openRunFolder } from "../run/run_folder.ts";
import { buildServer } from "../run/server_job.ts";
import { Curves, withTensorBoard } from "../output/tensorboard.ts";
import { isTerminal, printError, RunProgress } from "../output/terminal.ts";
import { Command } from "../deps.ts";

const DEFAULT_FRACTION = 0.1;

interface SimulateFlags
  extends
    DataFlags,
    TrainFlags,
    EngineFlags,
    StrategyFlags,
    SelectionFlags,
    RoundLimitFlags,
    UpdateBoundFlags,
    SaveFlags {
  model: string;
  clients: number;
  fraction?: number;
  cohort?: number;
  rounds: number;
  evalEvery: number;
  evaluate: "server" | "clients" | "both";
  targetAccuracy?: number;
  partition: string;
  holdOut?: number;
  workers?: number;
  checkpointEvery?: number;
  resume?: string;
  seed: number;
  csv?: string;
  tensorboard?: string;
  json?: string;
  out?: string;
}

/** `simulate`: many virtual clients on this machine, without sockets. */
export function simulateCommand({ signal }: CommandContext): Command {
  const command = new Command("simulate")
    .description("a federation of virtual clients over a pool of workers, without sockets")
    .option("--model <name>", "lr, mlp, 2nn, cnn, or a file with a model's description", "2nn")
    .option("--clients <n>", "number of clients K", whole(1), 100)
    .option(
      "--fraction <c>",
      `share C of the clients that a round takes (default: ${DEFAULT_FRACTION})`,
      real({ above: 0, most: 1 }),
    )
    .option("--cohort <n>", "number of clients that a round takes, in place of a share", whole(1))
    .option("--rounds <n>", "number of rounds", whole(1), 50)
    .option("--eval-every <n>", "rounds from one evaluation to the next", whole(1), 1)
    .addOption(
      choice(
        "--evaluate <who>",
        "server: on the test data; clients: each what it uses, on its own data",
        ["server", "clients", "both"],
        "server",
      ),
    )
    .option(
      "--target-accuracy <a>",
      "end when the accuracy is this high",
      real({ above: 0, most: 1 }),
    )
    .option("--workers <n>", "number of workers (default: the machine's cores)", whole(1, 1024))
    .option("--checkpoint-every <n>", "keep the run after every so many rounds", whole(1))
    .option("--resume <dir>", "go on with the run of this folder, with its options")
    .option("--csv <file>", "write the rounds as a table")
    .option("--out <dir>", "the run's folder (default: a new one in runs)");
  withData(command, "data that the clients have among them");
  withPartition(command, "how the data is dealt");
  withHoldOut(
    command,
    "share of each client's samples that it evaluates on and does not learn from",
  );
  withRoundLimits(command);
  withUpdateBound(command);
  withSaveTries(command);
  withStrategy(command);
  withSelection(command);
  withTraining(command, { epochs: 1, lr: 0.1 });
  withEngine(command);
  withTensorBoard(command);
  withCommon(command, "seed of everything random");
  return command.action((flags: SimulateFlags) => runSimulate(flags, command, signal));
}

async function runSimulate(
  given: SimulateFlags,
  command: Command,
  signal: AbortSignal,
): Promise<void> {
  using _held = await holdResumed(given.resume);
  const resume = given.resume === undefined ? undefined : await readCheckpoint(given.resume);
  const flags = resume === undefined ? given : await mergeFlags(resume, given, command);
  const { seed, clients, engine, backend } = { ...flags, ...engineFrom(flags) };
  if (flags.evaluate === "server" && flags.holdOut !== undefined) {
    throw new UsageError("expected --evaluate clients or both with --hold-out");
  }
  const { train, test, ...parts } = await dealData(flags, signal);
  if (flags.evaluate !== "clients" && !test) {
    throw new UsageError("expected --evaluate clients with data that have no test set");
  }
  await using server = await buildServer({
    ...updateBoundFrom(flags),
    model: flags.model,
    data: train,
    plan: planFrom(flags),
    strategy: strategyFrom(flags),
    selection: selectionFrom(flags),
    fraction: fractionFrom(flags),
    seed,
    engine: engineFrom(flags),
    logger: { warn: printError },
  });
  await using folder = await openRunFolder("simulate", flags, {
    keeps: flags.checkpointEvery !== undefined,
  });
  const shown = new RunProgress();
  using curves = await Curves.open(flags.tensorboard, { goesOn: resume !== undefined });
  const onEvent = (event: ServerEvent) => {
    curves.show(event);
    if (isTerminal()) shown.show(event);
    else if (event.type === "round-ended") printRound(event.report, flags.rounds);
    else if (event.type === "checkpoint-failed") printError(event.reason);
  };
  const simulation = new Simulation(server.handler, {
    train,
    ...parts,
    rounds: flags.rounds,
    evaluateEvery: flags.evalEvery,
    ...roundLimitsFrom(flags),
    engine,
    backend,
    onEvent,
    stateFolder: folder.path,
    ...(flags.evaluate !== "clients" && test && { test }),
    evaluateClients: flags.evaluate !== "server",
    ...(flags.targetAccuracy !== undefined && { targetAccuracy: flags.targetAccuracy }),
    ...(flags.workers !== undefined && { workers: flags.workers }),
    ...(flags.checkpointEvery !== undefined && {
      checkpoints: checkpointsIn(folder.path),
      checkpointEvery: flags.checkpointEvery,
    }),
    ...(flags.saveTries !== undefined && { saveTries: flags.saveTries }),
    ...(resume && { resume }),
    notes: resumeNotes(command, flags),
  });
  printError(`Simulating ${clients} clients, ${flags.partition}, ${train.length} samples`);
  const run = async () => {
    using _bar = shown;
    return await simulation.run({ signal });
  };
  const { json, csv } = flags;
  await conduct(simulation, run, {
    folder,
    curves,
    ...(json !== undefined && { json }),
    ...(csv !== undefined && { csv }),
  });
}

/** The data, in memory that workers read without a copy, and the rows of each client. */
async function dealData(
  flags: SimulateFlags,
  signal: AbortSignal,
): Promise<
  { train: Dataset; test: Dataset | undefined; parts: Partition; testParts?: Partition }
> {
  const { train, test, ids } = await loadData(flags, signal);
  const { clients, seed, holdOut: share } = flags;
  const scheme = parsePartition(flags.partition);
  const parts = scheme.deal(train, { parts: clients, seed, ...(ids && { ids }) });
  const shared = { train: scheme.spread(train, parts, { seed }).share(), test: test?.share() };
  if (share === undefined) return { ...shared, parts };
  const held = parts.map((rows, i) => holdOut(rows, { share, seed, index: i + 1 }));
  return {
    ...shared,
    parts: held.map(({ train }) => train),
    testParts: held.map(({ test }) => test),
  };
}

function fractionFrom({ fraction, cohort, clients }: SimulateFlags): number {
  if (fraction !== undefined && cohort !== undefined) {
    throw new UsageError("expected --fraction or --cohort, got both");
  }
  if (cohort !== undefined && cohort > clients) {
    throw new UsageError(`expected a --cohort of at most ${clients} clients, got ${cohort}`);
  }
  return cohort === undefined ? fraction ?? DEFAULT_FRACTION : cohort / clients;
}

function printRound({ round, loss, accuracy, seconds }: RunReport["rounds"][number], of: number) {
  const figures = [
    ...(loss === undefined ? [] : [`loss ${loss.toFixed(4)}`]),
    ...(accuracy === undefined ? [] : [`accuracy ${(accuracy * 100).toFixed(2)}%`]),
  ];
  printError([`round ${round} of ${of}`, ...figures, `${seconds.toFixed(2)} s`].join(", "));
}

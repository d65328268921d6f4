import { runtime } from "../../base/runtime/runtime.ts";
import type { ConductedRun } from "../../cluster/conducted_run.ts";
import type { Checkpoints } from "../../store/checkpoint/checkpoints.ts";
import { parseClientPrivacy } from "../../privacy/client/parse.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import type { RunReport } from "../../round/report/report.ts";
import { RunControl } from "../../round/run_control.ts";
import { PreparedWorkers } from "../../sim/prepared_workers.ts";
import { Simulation } from "../../sim/simulation.ts";
import { WorkerPool } from "../../sim/worker_pool.ts";
import type { CommandContext } from "../context.ts";
import { openDashboard } from "../dashboard/open.ts";
import type { Command } from "../deps.ts";
import { makeCommand } from "../options/command.ts";
import { UsageError } from "../options/option.ts";
import { allowedFrom, drawnSettings } from "../options/own_settings.ts";
import { mergeFlags, resumeNotes } from "../options/resume.ts";
import { scheduleFrom } from "../options/schedule.ts";
import { stoppingFrom } from "../options/stopping.ts";
import { strategyFrom } from "../options/strategy.ts";
import { type Flags, libraryOptions } from "../options/table.ts";
import { Curves } from "../output/tensorboard.ts";
import { RunProgress } from "../output/run_progress.ts";
import { isTerminal, printError } from "../output/terminal.ts";
import { checkSchemaFlags } from "../run/check_schema_flags.ts";
import { checkpointsIn, holdResumed, readCheckpoint } from "../run/checkpoints.ts";
import { dealData, fractionFrom } from "../run/deal_data.ts";
import { initialWeightsFrom, initNameFrom } from "../run/initial_weights.ts";
import {
  checkWithCluster,
  clusterEvents,
  clusterFrom,
  conductedRun,
  poolOf,
  takenFlags,
  takenOver,
} from "../run/cluster.ts";
import { withPrivacy } from "../run/privacy.ts";
import { runAndReport } from "../run/run_and_report.ts";
import { secureFrom, warnOfSamples } from "../run/secure.ts";
import { openRunFolder } from "../run/run_folder.ts";
import { buildServer, planFrom } from "../run/server_job.ts";
import { telemetryOf } from "../run/telemetry.ts";

/** `simulate`: many virtual clients on this machine, without sockets. */
export function simulateCommand({ signal }: CommandContext): Command {
  const command = makeCommand("simulate", {
    description: "Trains with many virtual clients on a pool of workers, without sockets.",
    example: "deno task simulate --dataset mnist --partition shards:2 --rounds 50",
  });
  return command.action((flags: Flags<"simulate">) => runSimulate(flags, command, signal));
}

async function runSimulate(
  given: Flags<"simulate">,
  command: Command,
  signal: AbortSignal,
): Promise<void> {
  using _held = await holdResumed(given.resume);
  const cluster = await clusterFrom(given);
  checkWithCluster(cluster, given);
  await using taken = await takenOver(cluster, given, signal);
  const resume = given.resume === undefined
    ? taken?.checkpoint
    : await readCheckpoint(given.resume);
  const flags = taken
    ? await takenFlags(taken, given, command)
    : resume === undefined
    ? given
    : await mergeFlags(resume, given, command);
  const isGiven = (name: string) => command.getOptionValueSource(name) === "cli";
  checkSchemaFlags("simulate", flags, isGiven);
  const { seed } = flags;
  const engine = libraryOptions("engine", flags);
  if (flags.evaluate === "server" && flags.holdOut !== undefined) {
    throw new UsageError("expected --evaluate clients or both with --hold-out");
  }
  await using prepared = new PreparedWorkers(cluster ? 0 : workersBeside(flags), {
    // Rounds of larger models take longer than the compilation of what they run.
    warmsUp: flags.model === "lr",
  });
  const { train, test, ...parts } = await dealData(flags, isGiven("clients"), signal);
  const clients = parts.parts.length;
  if (flags.evaluate !== "clients" && !test) {
    throw new UsageError(
      "expected --test-share 0.2, or --evaluate clients --hold-out 0.2, with data that have no test rows",
    );
  }
  const fraction = fractionFrom(flags, clients);
  const secureAggregation = secureFrom(flags, { clients, fraction });
  // In a private run all clients count alike.
  if (!flags.privacy) warnOfSamples(secureAggregation, parts.parts, printError);
  await using server = await buildServer({
    handler: {
      ...libraryOptions("handler", flags),
      ...(secureAggregation && { secureAggregation }),
    },
    model: flags.model,
    base: flags.base,
    loss: flags.loss,
    data: train,
    plan: planFrom(flags),
    allows: allowedFrom(flags),
    schedule: scheduleFrom(
      flags,
      flags.rounds,
      isGiven,
    ),
    strategy: await withPrivacy(
      strategyFrom(flags),
      flags.privacy,
      { rounds: flags.rounds, clients, fraction, secure: secureAggregation },
      printError,
    ),
    cohort: { ...libraryOptions("cohort", flags), fraction },
    seed,
    init: resume ? undefined : initialWeightsFrom(flags),
    initName: initNameFrom(flags),
    engine,
    logger: { warn: printError },
  });
  await using folder = await openRunFolder("simulate", flags, {
    keeps: flags.checkpointEvery !== undefined,
  });
  await using run = taken ?? await conductedRun(cluster, folder.path, flags, command);
  const shown = new RunProgress();
  const stop = new AbortController();
  const ending = AbortSignal.any([signal, stop.signal, ...run ? [run.lost] : []]);
  const control = new RunControl();
  const telemetry = await telemetryOf("simulate", folder.path, () => server.handler);
  await using dashboard = await openDashboard("simulate", flags, {
    folder: folder.path,
    ...(resume?.history && { history: resume.history }),
    handler: () => server.handler,
    control,
    stop: (reason) => stop.abort(reason),
    signal,
  });
  await using events = cluster && await clusterEvents(cluster, flags, folder.path, run);
  using curves = await Curves.open(flags.tensorboard, { goesOn: resume !== undefined });
  const onEvent = (event: ServerEvent) => {
    curves.show(event);
    dashboard.show(event);
    telemetry?.show(event);
    events?.show(event);
    if (isTerminal()) shown.show(event);
    else if (event.type === "round-ended") printRound(event.report, flags.rounds);
    else if (event.type === "checkpoint-failed") printError(event.reason);
  };
  const settings = drawnSettings(flags, { clients, seed });
  const simulation = new Simulation(server.handler, {
    ...libraryOptions("simulation", flags),
    ...libraryOptions("rounds", flags),
    ...engine,
    ...(flags.base !== undefined && { base: { path: flags.base } }),
    pool: cluster ? await poolOf(cluster, run) : (options) => WorkerPool.start(options, prepared),
    rounds: flags.rounds,
    train,
    ...parts,
    ...(flags.clientPrivacy !== undefined && {
      clientPrivacy: parseClientPrivacy(flags.clientPrivacy),
    }),
    ...(settings && { settings }),
    control,
    onEvent,
    ...(telemetry && { tracer: telemetry.tracer }),
    stateFolder: folder.path,
    ...(flags.evaluate !== "clients" && test && { test }),
    evaluateClients: flags.evaluate !== "server",
    ...checkpointsOf(flags, folder.path, run),
    ...(resume && { resume }),
    stopping: stoppingFrom(flags),
    notes: resumeNotes(command, flags),
  });
  const division = flags.sites ? "one for each table" : flags.partition;
  printError(`Simulating ${clients} clients, ${division}, ${train.length} samples`);
  const running = async () => {
    using _bar = shown;
    return await simulation.run({ signal: ending });
  };
  const { json, csv } = flags;
  await runAndReport(simulation, running, {
    folder,
    curves,
    ...(json !== undefined && { json }),
    ...(csv !== undefined && { csv }),
  });
}

/** Returns the store of checkpoints, where the run saves any. */
function checkpointsOf(
  { checkpointEvery, clientPrivacy }: Flags<"simulate">,
  folder: string,
  run: ConductedRun | undefined,
): { checkpoints?: Checkpoints } {
  const local = checkpointEvery === undefined ? undefined : checkpointsIn(folder);
  // The ledgers of clients that keep their data private are in no checkpoint.
  const checkpoints = clientPrivacy === undefined ? run?.checkpoints(local) ?? local : local;
  return checkpoints === undefined ? {} : { checkpoints };
}

/** Returns the number of workers beside the command's own thread, which trains too. */
function workersBeside({ workers, clients, sites }: Flags<"simulate">): number {
  const threads = workers ?? runtime.workers.hardwareConcurrency;
  return (sites ? threads : Math.min(threads, clients)) - 1;
}

function printRound({ round, loss, accuracy, seconds }: RunReport["rounds"][number], of: number) {
  const figures = [
    ...(loss === undefined ? [] : [`loss ${loss.toFixed(4)}`]),
    ...(accuracy === undefined ? [] : [`accuracy ${(accuracy * 100).toFixed(2)}%`]),
  ];
  printError([`round ${round} of ${of}`, ...figures, `${seconds.toFixed(2)} s`].join(", "));
}

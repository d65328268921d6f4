import type { KeyList } from "../../auth/allowed_keys.ts";
import { AuditLog } from "../../server/audit_log.ts";
import { transportOf } from "../../net/backend.ts";
import { KeptTransport } from "../../net/kept_transport.ts";
import { RunControl } from "../../round/run_control.ts";
import type { CommandContext } from "../context.ts";
import { allTracers } from "../run/all_tracers.ts";
import { openDashboard } from "../dashboard/open.ts";
import type { Command } from "../deps.ts";
import { makeCommand } from "../options/command.ts";
import { UsageError } from "../options/option.ts";
import { allowedFrom } from "../options/own_settings.ts";
import { mergeFlags, resumeNotes } from "../options/resume.ts";
import { scheduleFrom } from "../options/schedule.ts";
import { FEDERATED } from "../options/schema.ts";
import { stoppingFrom } from "../options/stopping.ts";
import { type Flags, libraryOptions } from "../options/table.ts";
import { Curves } from "../output/tensorboard.ts";
import { RunProgress } from "../output/run_progress.ts";
import { isTerminal, printError } from "../output/terminal.ts";
import { AUDIT, checkpointsIn, holdResumed, readCheckpoint } from "../run/checkpoints.ts";
import { checkSchemaFlags } from "../run/check_schema_flags.ts";
import { checkToldFlags } from "../run/check_told_flags.ts";
import { serverData } from "../run/server_data.ts";
import { initialWeightsFrom, initNameFrom } from "../run/initial_weights.ts";
import { buildModeServer, checkMode } from "../run/mode_server.ts";
import { runAndReport } from "../run/run_and_report.ts";
import { openRunFolder } from "../run/run_folder.ts";
import { reloadKeys, serverSecurity } from "../run/security.ts";
import { planFrom } from "../run/server_job.ts";
import { telemetryOf } from "../run/telemetry.ts";

/** `server`: rank 0 of a federation. */
export function serverCommand(context: CommandContext): Command {
  const command = makeCommand("server", {
    description:
      "Runs the server of a federation: waits for its clients, runs the rounds and saves the model.",
    example: "deno task server --world-size 3 --rounds 20",
  });
  return command.action((flags: Flags<"server">) => runServer(flags, command, context));
}

async function runServer(
  given: Flags<"server">,
  command: Command,
  { signal, onHangUp }: CommandContext,
): Promise<void> {
  const list: { keys?: KeyList } = {};
  using _hangUp = onHangUp?.(() => void reloadKeys(list.keys, isTerminal()));
  using _held = await holdResumed(given.resume);
  const resume = given.resume === undefined ? undefined : await readCheckpoint(given.resume);
  const flags = resume === undefined ? given : await mergeFlags(resume, given, command);
  checkMode(flags, command);
  const isGiven = (name: string) => command.getOptionValueSource(name) === "cli";
  checkSchemaFlags("server", flags, isGiven);
  checkToldFlags(flags);
  const { worldSize, minClients } = flags;
  if (worldSize === undefined) throw new UsageError("expected --world-size, or a run to --resume");
  if (minClients !== undefined && minClients >= worldSize) {
    throw new UsageError(
      `expected --min-clients below the world size of ${worldSize}, got ${minClients}`,
    );
  }
  const { keys, ...security } = await serverSecurity(flags);
  if (keys !== undefined) list.keys = keys;
  const { listen } = flags;
  // The address stays open between the making of the schema and the run itself.
  using kept = new KeptTransport(transportOf(security.distBackend));
  const network = {
    ...security,
    ...(flags.schema === FEDERATED && { distBackend: kept }),
    ...{ listen, worldSize },
  };
  const { data, testData, keptRanks } = await serverData(flags, command, {
    ...{ signal, resume },
    federated: async () => {
      const { federatedSchema } = await import("../run/federated_schema.ts");
      return await federatedSchema(flags, network, signal);
    },
  });
  const logger = { warn: printError };
  await using server = await buildModeServer(flags, {
    model: flags.model,
    loss: flags.loss,
    data,
    plan: planFrom(flags),
    allows: allowedFrom(flags),
    schedule: scheduleFrom(
      flags,
      flags.mode === "async" ? flags.versions : flags.rounds,
      isGiven,
    ),
    seed: flags.seed,
    init: resume ? undefined : initialWeightsFrom(flags),
    initName: initNameFrom(flags),
    engine: libraryOptions("engine", flags),
    base: flags.base,
    logger,
    ...(testData && { testData }),
  });
  await using folder = await openRunFolder("server", flags, { keeps: true });
  const checkpoints = checkpointsIn(folder.path, flags.keepCheckpoints);
  const shown = new RunProgress();
  const stop = new AbortController();
  const control = new RunControl();
  const telemetry = await telemetryOf("server", folder.path, () => topology.handler);
  await using dashboard = await openDashboard("server", flags, {
    folder: folder.path,
    ...(resume?.history && { history: resume.history }),
    handler: () => topology.handler,
    control,
    stop: (reason) => stop.abort(reason),
    signal,
  });
  const tracer = allTracers(dashboard.tracer, telemetry?.tracer);
  using curves = await Curves.open(flags.tensorboard, { goesOn: resume !== undefined });
  using audit = new AuditLog(`${folder.path}/${AUDIT}`, {
    clients: worldSize - 1,
    onWarning: printError,
  });
  const topology = server.makeTopology({
    ...libraryOptions("server", flags),
    ...network,
    ...(keptRanks && { keptRanks }),
    checkpoints,
    ...(resume && { resume }),
    stopping: stoppingFrom(flags),
    notes: resumeNotes(command, flags),
    timeouts: libraryOptions("timeouts", flags),
    limits: libraryOptions("limits", flags),
    log: { console: !isTerminal(), onLine: telemetry?.onLine },
    ...(tracer && { tracer }),
    control,
    onEvent: (event) => {
      audit.record(event);
      curves.show(event);
      dashboard.show(event);
      telemetry?.show(event);
      if (isTerminal()) shown.show(event);
    },
  });
  const run = async () => {
    using _bar = shown;
    return await topology.run({ signal: AbortSignal.any([signal, stop.signal]) });
  };
  const { json } = flags;
  await runAndReport(topology, run, { folder, curves, ...(json !== undefined && { json }) });
}

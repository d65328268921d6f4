import {
  AUDIT,
  checkpointsIn,
  holdResumed,
  readCheckpoint,
  type SaveFlags,
  withSaveTries,
} from "../run/checkpoints.ts";
import type { KeyList } from "../../auth/allowed_keys.ts";
import { AuditLog } from "../../server/audit_log.ts";
import { DEFAULT_SERVER_NAME } from "../../server/options.ts";
import { conduct } from "../run/conduct.ts";
import { type DataFlags, dataFrom, loadData, withData } from "../options/data.ts";
import {
  choice,
  type EngineFlags,
  engineFrom,
  logName,
  planFrom,
  real,
  type TimeoutFlags,
  timeoutsFrom,
  type TrainFlags,
  UsageError,
  whole,
  withCommon,
  withEngine,
  withSelection,
  withStrategy,
  withTimeouts,
  withTraining,
} from "../options/options.ts";
import { buildFor, checkMode, type ModeFlags, withMode } from "../options/mode.ts";
import { withRoundLimits, withUpdateBound } from "../options/round_limits.ts";
import { mergeFlags, resumeNotes } from "../options/resume.ts";
import { writeOutput } from "../options/outputs.ts";
import { openRunFolder, toJson } from "../run/run_folder.ts";
import { hangUp, serverSecurity, type ServerSecurityFlags } from "../options/security.ts";
import { Curves, withTensorBoard } from "../output/tensorboard.ts";
import { isTerminal, printError, RunProgress } from "../output/terminal.ts";
import { Command } from "../deps.ts";
import type { CommandContext } from "../context.ts";

interface ServerFlags
  extends
    TrainFlags,
    TimeoutFlags,
    ServerSecurityFlags,
    EngineFlags,
    DataFlags,
    ModeFlags,
    SaveFlags {
  serverName: string;
  worldSize?: number;
  minClients?: number;
  resume?: string;
  keep: number;
  model: string;
  evaluate: "server" | "clients";
  loggerFile: string;
  loggerName: string;
  seed: number;
  json?: string;
  out?: string;
  tensorboard?: string;
}

/** `server`: rank 0 of a federation. */
export function serverCommand(context: CommandContext): Command {
  const command = new Command("server")
    .description(
      "the server of a federation: waits for its clients, runs the rounds, keeps the model",
    )
    .option(
      "--listen <host:port>",
      "where to listen; ws://host:port/path, or wss:, for WebSockets",
      "127.0.0.1:9000",
    )
    .option(
      "--world-size <n>",
      "number of processes, the server included (must be given)",
      whole(2, 0xFFFF_FFFF),
    )
    .option("--rounds <n>", "number of rounds", whole(1, 0xFFFF_FFFF), 10)
    .option(
      "--min-clients <n>",
      "begin with so many when the join time-out is over (default: all)",
      whole(1),
    )
    .option(
      "--fraction <c>",
      "share of the clients that a round takes",
      real({ above: 0, most: 1 }),
      1,
    )
    .option(
      "--over-select <share>",
      "choose a cohort larger by this share, and end the round with the first updates",
      real({ least: 0 }),
      0,
    )
    .option("--resume <dir>", "go on with the run of this folder, as it was started there")
    .option("--keep <n>", "newest checkpoints that are kept, besides the best", whole(1), 3)
    .option(
      "--model <name>",
      "lr, mlp, 2nn, cnn, or the path of a model description (.json)",
      "mlp",
    )
    .addOption(
      choice("--evaluate <who>", "who evaluates after a round", ["server", "clients"], "server"),
    )
    .option("--tls-cert <file>", "certificate (PEM): talk TLS")
    .option("--tls-key <file>", "private key of the certificate (PEM)")
    .option(
      "--allow-keys <file>",
      "public keys of the clients that may join, one a line (see keygen); SIGHUP has it read again",
    )
    .option("--seats-per-key <n>", "ranks that one key may have at a time (default: 1)", whole(1))
    .option("--hosts <names>", "names that web pages may reach a ws: or wss: server by (a,b:8443)")
    .option("--origins <origins>", "origins whose pages may join besides (https://a,https://b)")
    .option("--server-name <name>", "name that clients sign with", DEFAULT_SERVER_NAME)
    .option("--insecure", "let everyone join who reaches the address, loopback or not", false)
    .option("--logger-file <name>", "log file, in the folder log", logName, "serverLog")
    .option("--logger-name <name>", "name on the log's lines", "server")
    .option("--out <dir>", "the run's folder (default: a new one in runs)");
  withData(command, "data that tells input and classes, and to test on");
  withMode(command);
  withRoundLimits(command);
  withUpdateBound(command);
  withSaveTries(command);
  withStrategy(command, { takesAsync: true });
  withSelection(command);
  withEngine(command);
  withTraining(command, { epochs: 1, lr: 0.1 });
  withTensorBoard(command);
  withTimeouts(command, ["joinSeconds", "roundSeconds", "heartbeatSeconds", "drainSeconds"]);
  withCommon(command, "seed of everything random");
  return command.action((flags: ServerFlags) => runServer(flags, command, context));
}

async function runServer(
  given: ServerFlags,
  command: Command,
  { signal, onHangUp }: CommandContext,
): Promise<void> {
  const list: { keys?: KeyList } = {};
  using _hangUp = onHangUp?.(() => void hangUp(list.keys, isTerminal()));
  using _held = await holdResumed(given.resume);
  const resume = given.resume === undefined ? undefined : await readCheckpoint(given.resume);
  const flags = resume === undefined ? given : await mergeFlags(resume, given, command);
  checkMode(flags, command);
  const { worldSize, minClients } = flags;
  if (worldSize === undefined) throw new UsageError("expected --world-size, or a run to --resume");
  if (minClients !== undefined && minClients >= worldSize) {
    throw new UsageError(
      `expected --min-clients below the world size of ${worldSize}, got ${minClients}`,
    );
  }
  const { keys, ...security } = await serverSecurity(flags);
  if (keys !== undefined) list.keys = keys;
  const { train, test, standardizer } = await loadData(dataFrom(flags), signal);
  const logger = { warn: printError };
  await using server = await buildFor(flags, {
    model: flags.model,
    data: train,
    plan: planFrom(flags),
    seed: flags.seed,
    engine: engineFrom(flags),
    logger,
    ...(flags.evaluate === "server" && { testData: test ?? train }),
  });
  await using folder = await openRunFolder("server", flags, { keeps: true });
  if (standardizer) {
    const path = `${folder.path}/standardizer.json`;
    await writeOutput(path, toJson(standardizer));
    folder.files.push(path);
  }
  const checkpoints = checkpointsIn(folder.path, flags.keep);
  const shown = new RunProgress();
  using curves = await Curves.open(flags.tensorboard, { goesOn: resume !== undefined });
  using audit = new AuditLog(`${folder.path}/${AUDIT}`, {
    clients: worldSize - 1,
    onWarning: printError,
  });
  const topology = server.listen({
    ...security,
    serverName: flags.serverName,
    listen: flags.listen,
    worldSize,
    ...(minClients !== undefined && { minClients }),
    checkpoints,
    ...(flags.saveTries !== undefined && { saveTries: flags.saveTries }),
    ...(resume && { resume }),
    notes: resumeNotes(command, flags),
    timeouts: timeoutsFrom(flags),
    loggerFile: flags.loggerFile,
    loggerName: flags.loggerName,
    log: { console: !isTerminal() },
    onEvent: (event) => {
      audit.record(event);
      curves.show(event);
      if (isTerminal()) shown.show(event);
    },
  });
  const run = async () => {
    using _bar = shown;
    return await topology.run({ signal });
  };
  const { json } = flags;
  await conduct(topology, run, { folder, curves, ...(json !== undefined && { json }) });
}

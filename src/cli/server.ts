import { loadDataset } from "../data/load.ts";
import { ServerSyncTop } from "../server/sync_topology.ts";
import { conduct, outputOf } from "./_conduct.ts";
import {
  choice,
  planFrom,
  real,
  type TimeoutFlags,
  timeoutsFrom,
  type TrainFlags,
  UsageError,
  whole,
  withCommon,
  withTimeouts,
  withTraining,
} from "./_options.ts";
import { buildServer, type ServerJob } from "./_server_job.ts";
import { isTerminal, RunProgress } from "./_terminal.ts";
import { Command } from "./deps.ts";
import type { CommandContext } from "./_context.ts";

interface ServerFlags extends TrainFlags, TimeoutFlags {
  listen: string;
  worldSize: number;
  rounds: number;
  minClients?: number;
  fraction: number;
  model: string;
  data: string;
  dataDir: string;
  evaluate: "server" | "clients";
  backend: ServerJob["backend"];
  loggerFile: string;
  loggerName: string;
  seed: number;
  json?: string;
  out?: string;
}

/** `server`: rank 0 of a federation. */
export function serverCommand(context: CommandContext): Command {
  const command = new Command("server")
    .description(
      "the server of a federation: waits for its clients, runs the rounds, keeps the model",
    )
    .option("--listen <host:port>", "where to listen", "127.0.0.1:9000")
    .requiredOption(
      "--world-size <n>",
      "number of processes, the server included",
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
    .option("--model <name>", "lr, mlp, 2nn, or the path of a model description (.json)", "mlp")
    .option(
      "--data <name>",
      "data that tells input and classes, and to test on: digits, mnist, or a path",
      "digits",
    )
    .option("--data-dir <dir>", "folder of data sets named by a word", "data")
    .addOption(
      choice("--evaluate <who>", "who evaluates after a round", ["server", "clients"], "server"),
    )
    .addOption(choice("--backend <name>", "where tfjs computes", ["auto", "wasm", "cpu"], "auto"))
    .option("--logger-file <name>", "log file, in the folder log", "serverLog")
    .option("--logger-name <name>", "name on the log's lines", "server")
    .option("--out <dir>", "the run's folder (default: a new one in runs)");
  withTraining(command, { epochs: 1, lr: 0.1 });
  withTimeouts(command, ["joinSeconds", "roundSeconds", "heartbeatSeconds", "drainSeconds"]);
  withCommon(command, "seed of everything random");
  return command.action((flags: ServerFlags) => runServer(flags, context));
}

async function runServer(flags: ServerFlags, { signal }: CommandContext): Promise<void> {
  if (flags.minClients !== undefined && flags.minClients >= flags.worldSize) {
    throw new UsageError(
      `expected --min-clients below the world size of ${flags.worldSize}, got ${flags.minClients}`,
    );
  }
  const { train, test } = await loadDataset(flags.data, { dataDir: flags.dataDir });
  await using server = await buildServer({
    model: flags.model,
    data: train,
    plan: planFrom(flags),
    fraction: flags.fraction,
    seed: flags.seed,
    backend: flags.backend,
    ...(flags.evaluate === "server" && { testData: test ?? train }),
  });
  const shown = new RunProgress();
  const topology = new ServerSyncTop(server.handler, {
    listen: flags.listen,
    worldSize: flags.worldSize,
    rounds: flags.rounds,
    ...(flags.minClients !== undefined && { minClients: flags.minClients }),
    timeouts: timeoutsFrom(flags),
    loggerFile: flags.loggerFile,
    loggerName: flags.loggerName,
    log: { console: !isTerminal() },
    ...(isTerminal() && { onEvent: (event) => shown.show(event) }),
  });
  const run = async () => {
    using _bar = shown;
    return await topology.run({ signal });
  };
  await conduct(topology, run, { name: "server", ...outputOf(flags) });
}

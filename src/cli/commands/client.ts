import type { ClientEvent } from "../../client/topology.ts";
import { errorMessage } from "../../base/errors.ts";
import { isWebSocketAddress } from "../../net/websocket/transport.ts";
import { type ClientJob, runClientJob } from "../run/client_job.ts";
import { addPermission } from "../module/permissions.ts";
import { runModule } from "../module/run.ts";
import { DATA_NAMES, type DataFlags, dataFrom, withData } from "../options/data.ts";
import {
  type EngineFlags,
  engineFrom,
  logName,
  type TimeoutFlags,
  timeoutsFrom,
  UsageError,
  whole,
  withCommon,
  withEngine,
  withTimeouts,
} from "../options/options.ts";
import { part, withHoldOut, withPartition } from "../options/partition_options.ts";
import { STANDARD_OUTPUT, writeOutput } from "../options/outputs.ts";
import { messageWithFlag } from "../options/permissions.ts";
import { toJson } from "../run/run_folder.ts";
import { clientSecurity, type ClientSecurityFlags } from "../options/security.ts";
import { printError, writeText } from "../output/terminal.ts";
import { Command } from "../deps.ts";
import type { CommandContext } from "../context.ts";

interface ClientFlags extends TimeoutFlags, ClientSecurityFlags, EngineFlags, DataFlags {
  server: string;
  rank?: number;
  worldSize?: number;
  part?: { index: number; parts: number };
  partition: ClientJob["data"]["partition"];
  holdOut?: number;
  module?: string;
  moduleAllow?: string[];
  loggerFile: string;
  loggerName?: string;
  seed: number;
  json?: string;
}

/** A client's report. */
interface ClientReport {
  readonly schema: "fedlab.client/1";
  rank?: number;
  worldSize?: number;
  readonly rounds: {
    round: number;
    numSamples: number;
    steps: number;
    loss: number;
    seconds: number;
  }[];
  seconds: number;
}

/** `client`: one of the ranks 1 to N. */
export function clientCommand(context: CommandContext): Command {
  const command = new Command("client")
    .description(
      "a client of a federation: joins, trains on its own data, leaves when the server says so",
    )
    .option(
      "--server <host:port>",
      "the server's address; ws://host:port/path, or wss:, for WebSockets",
      "127.0.0.1:9000",
    )
    .option("--rank <k>", "the rank to take (default: the lowest free one)", whole(1, 0xFFFF_FFFF))
    .option(
      "--world-size <n>",
      "number of processes, checked with the server's",
      whole(2, 0xFFFF_FFFF),
    )
    .option("--part <i/n>", "take the i-th of n parts of the data (default: all of it)", part)
    .option(
      "--module <path>",
      "run this module, which calls defineClient(), in place of the built-in client: in a process that may talk to the server and nothing else",
    )
    .option(
      "--module-allow <permission>",
      "grant the module a permission of Deno's, such as read=data.csv; may be given again",
      addPermission,
    )
    .option("--tls", "talk TLS to a server whose CA this machine trusts", false)
    .option("--tls-ca <file>", "talk TLS, and trust this CA (PEM)")
    .option("--key <file>", "private key that proves who this client is (see keygen)")
    .option("--server-name <name>", "name that the server must have when it asks for a proof")
    .option(
      "--logger-file <name>",
      "log file, in the folder log; the rank is added",
      logName,
      "clientLog",
    )
    .option("--logger-name <name>", "name on the log's lines (default: client-RANK)");
  withPartition(command, "how the data is parted, with --part");
  withHoldOut(
    command,
    "share of the samples that it evaluates on and does not learn from, in place of a test set",
  );
  withData(command, "data to learn from");
  withEngine(command);
  withTimeouts(command, ["joinSeconds", "idleSeconds", "heartbeatSeconds", "drainSeconds"]);
  withCommon(command, "seed of the parting of the data");
  return command.action((flags: ClientFlags) => {
    checkFlags(flags, command);
    return runClient(flags, context);
  });
}

/** What the built-in client alone follows. */
const OF_BUILT_IN = [...DATA_NAMES, "part", "partition", "holdOut"];

/** Throws a `UsageError` for options that would be passed over. */
function checkFlags(flags: ClientFlags, command: Command): void {
  const { module, moduleAllow, part } = flags;
  const isGiven = (name: string) => command.getOptionValueSource(name) === "cli";
  if (module !== undefined && OF_BUILT_IN.some(isGiven)) {
    throw new UsageError("expected no options of data with --module: the module decides");
  }
  if (module === undefined && moduleAllow !== undefined) {
    throw new UsageError("expected --module with --module-allow");
  }
  if (part === undefined && isGiven("partition")) {
    throw new UsageError("expected --part with --partition");
  }
}

async function runClient(flags: ClientFlags, context: CommandContext): Promise<void> {
  const { signal } = context;
  // A terminal that is closed is no reason to leave without a word.
  using _hangUp = context.onHangUp?.();
  const job: ClientJob = {
    topology: {
      serverAddr: flags.server,
      ...(isWebSocketAddress(flags.server) && { distBackend: "websocket" }),
      ...(flags.rank !== undefined && { rank: flags.rank }),
      ...(flags.worldSize !== undefined && { worldSize: flags.worldSize }),
      timeouts: timeoutsFrom(flags),
      loggerFile: flags.loggerFile,
      ...(flags.loggerName !== undefined && { loggerName: flags.loggerName }),
    },
    data: {
      ...dataFrom(flags),
      partition: flags.partition,
      seed: flags.seed,
      ...(flags.part && { part: flags.part }),
      ...(flags.holdOut !== undefined && { holdOut: flags.holdOut }),
    },
    engine: engineFrom(flags),
  };
  const report: ClientReport = { schema: "fedlab.client/1", rounds: [], seconds: 0 };
  const began = performance.now();
  const onEvent = (event: ClientEvent) => {
    if (event.type === "joined") {
      Object.assign(report, { rank: event.rank, worldSize: event.worldSize });
    } else if (event.type === "trained") {
      const { round, result: { numSamples, steps, loss }, seconds } = event;
      report.rounds.push({ round, numSamples, steps, loss, seconds });
    }
  };
  const security = await clientSecurity(flags);
  const run = async () => {
    if (flags.module === undefined) {
      return await runClientJob(job, { signal, onEvent, ...security });
    }
    if (typeof security.distBackend !== "string" || security.credential !== undefined) {
      throw new UsageError(
        "expected no --tls, --tls-ca, --key or FEDLAB_TOKEN with --module: the module decides",
      );
    }
    const { module, moduleAllow: granted = [], json } = flags;
    const output = json === STANDARD_OUTPUT ? Deno.stderr : Deno.stdout;
    const print = (text: string) => writeText(output, text);
    await runModule(module, job.topology, { granted, signal, onEvent, print });
  };
  const failures: unknown[] = [];
  await run().catch((error) => failures.push(error));
  report.seconds = (performance.now() - began) / 1000;
  // As a server's: one that is stopped or fails has a report from its first round on.
  if (flags.json !== undefined && (failures.length === 0 || report.rounds.length > 0)) {
    await writeOutput(flags.json, toJson(report)).catch((cause) =>
      failures.push(
        new Error(`Cannot write ${flags.json}: ${errorMessage(cause)}`, { cause }),
      )
    );
  }
  const [first, ...others] = failures;
  for (const error of others) printError(`error: ${messageWithFlag(error)}`);
  if (first !== undefined) throw first;
}

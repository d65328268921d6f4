import { ServerAsyncTop } from "../../server/asynchronous/async_topology.ts";
import { ServerSyncTop } from "../../server/sync_topology.ts";
import type { ServerTopologyOptions } from "../../server/options.ts";
import type { AgreementMode } from "../../wire/messages.ts";
import {
  asyncStrategyFrom,
  choice,
  flagOf,
  type SelectionFlags,
  selectionFrom,
  type StrategyFlags,
  strategyFrom,
  UsageError,
  whole,
} from "./options.ts";
import {
  type RoundLimitFlags,
  roundLimitsFrom,
  type UpdateBoundFlags,
  updateBoundFrom,
} from "./round_limits.ts";
import { buildAsyncServer, buildServer, type ModelJob } from "../run/server_job.ts";
import type { Command } from "../deps.ts";

/** How the server and its clients work together, as options. */
export interface ModeFlags
  extends StrategyFlags, SelectionFlags, RoundLimitFlags, UpdateBoundFlags {
  // A run that began before there were these options goes on without them.
  mode?: AgreementMode;
  updates?: number;
  concurrency?: number;
  evaluateEvery?: number;
  rounds: number;
  fraction: number;
  overSelect: number;
}

const DEFAULT_UPDATES = 100;

/** The options that belong to one mode alone. */
const OWN: Readonly<Record<AgreementMode, readonly string[]>> = {
  sync: ["rounds", "quorum", "roundTries", "fraction", "overSelect", "selection"],
  async: ["updates", "concurrency", "evaluateEvery"],
};

/** Adds the mode to a command, and the options of the asynchronous one. */
export function withMode(command: Command): Command {
  return command
    .addOption(
      choice(
        "--mode <name>",
        "sync: in rounds; async: each client at its own pace, with --strategy fedasync or fedbuff",
        ["sync", "async"],
        "sync",
      ),
    )
    .option(
      "--updates <n>",
      `async: number of versions of the model (default: ${DEFAULT_UPDATES})`,
      whole(1, 0xFFFF_FFFF),
    )
    .option("--concurrency <n>", "async: clients that train at a time (default: all)", whole(1))
    .option(
      "--evaluate-every <n>",
      "async: versions from one evaluation and checkpoint to the next (default: 1)",
      whole(1),
    );
}

/** Throws a `UsageError` when an option is given that belongs to the other mode. */
export function checkMode({ mode = "sync" }: ModeFlags, command: Command): void {
  const other = mode === "sync" ? "async" : "sync";
  for (const name of OWN[other]) {
    if (command.getOptionValueSource(name) !== "cli") continue;
    throw new UsageError(`expected no ${flagOf(name)} with --mode ${mode}`);
  }
}

/** A server whose clients are still to be named. */
export interface ModeServer extends AsyncDisposable {
  /** Makes the topology. */
  listen(options: Omit<ServerTopologyOptions, "rounds">): ServerSyncTop | ServerAsyncTop;
}

/** Builds the server that the mode wants. */
export async function buildFor(flags: ModeFlags, modelJob: ModelJob): Promise<ModeServer> {
  const job = { ...modelJob, ...updateBoundFrom(flags) };
  if (flags.mode === "async") {
    const { updates = DEFAULT_UPDATES, concurrency, evaluateEvery } = flags;
    const server = await buildAsyncServer({ ...job, strategy: asyncStrategyFrom(flags) });
    return {
      listen: (options) =>
        new ServerAsyncTop(server.handler, {
          ...options,
          updates,
          ...(concurrency !== undefined && { concurrency }),
          ...(evaluateEvery !== undefined && { evaluateEvery }),
        }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  }
  const { rounds, fraction, overSelect: overSelection } = flags;
  const strategy = strategyFrom(flags);
  const server = await buildServer({
    ...job,
    strategy,
    fraction,
    overSelection,
    selection: selectionFrom(flags),
  });
  return {
    listen: (options) =>
      new ServerSyncTop(server.handler, { ...options, rounds, ...roundLimitsFrom(flags) }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

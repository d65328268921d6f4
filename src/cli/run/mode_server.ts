import type { Command } from "../deps.ts";
import { ServerAsyncTop } from "../../server/asynchronous/async_topology.ts";
import { ServerSyncTop } from "../../server/sync_topology.ts";
import { flagOf, type Library, UsageError } from "../options/option.ts";
import { asyncStrategyFrom, strategyFrom } from "../options/strategy.ts";
import { type Flags, libraryOptions, optionsOf } from "../options/table.ts";
import { printError } from "../output/terminal.ts";
import { withPrivacy } from "./privacy.ts";
import { secureFrom } from "./secure.ts";
import { buildAsyncServer, buildServer, type ModelJob } from "./server_job.ts";

/** Throws a `UsageError` for an option of the other mode that is given. */
export function checkMode({ mode }: Flags<"server">, command: Command): void {
  for (const option of optionsOf("server")) {
    if (option.mode === undefined || option.mode === mode) continue;
    if (command.getOptionValueSource(option.name) !== "cli") continue;
    throw new UsageError(`expected no ${flagOf(option.name)} with --mode ${mode}`);
  }
}

/** Server of either mode before it has its address. */
export interface ModeServer extends AsyncDisposable {
  /** Makes the topology. */
  makeTopology(options: Library["server"]): ServerSyncTop | ServerAsyncTop;
}

/** Builds the model and the handler of the server that the options describe. */
export async function buildModeServer(
  flags: Flags<"server">,
  modelJob: ModelJob,
): Promise<ModeServer> {
  const job = { ...modelJob, handler: libraryOptions("handler", flags) };
  if (flags.mode === "async") {
    const server = await buildAsyncServer({ ...job, strategy: asyncStrategyFrom(flags) });
    return {
      makeTopology: (options) =>
        new ServerAsyncTop(server.handler, { ...options, ...libraryOptions("versions", flags) }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  }
  const { rounds, fraction, overSelect } = flags, clients = (flags.worldSize ?? NaN) - 1;
  const secureAggregation = secureFrom(flags, { clients, fraction, overSelect });
  const server = await buildServer({
    ...job,
    handler: { ...job.handler, ...(secureAggregation && { secureAggregation }) },
    strategy: await withPrivacy(
      strategyFrom(flags),
      flags.privacy,
      { rounds, clients, fraction, secure: secureAggregation },
      printError,
    ),
    cohort: libraryOptions("cohort", flags),
  });
  return {
    makeTopology: (options) =>
      new ServerSyncTop(server.handler, { ...options, ...libraryOptions("rounds", flags), rounds }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

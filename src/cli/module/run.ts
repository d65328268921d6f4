import { runtime } from "../../base/runtime/runtime.ts";
import type { ClientModuleOptions } from "../../sim/define_client.ts";
import type { ClientEvent } from "../../client/events.ts";
import { errorMessage } from "../../base/errors.ts";
import { openLog } from "../../base/log/log.ts";
import { timeoutsOf } from "../../net/timeouts.ts";
import { PROCESS_ARGUMENT } from "../../worker/pipe.ts";
import { codeFiles, configFlags, moduleUrl } from "./code.ts";
import { permissionFlags, withModuleFlag } from "./permissions.ts";
import { ModuleProcess, ProcessError } from "./process.ts";

/**
 * Main module of the process. Static imports of a main module may read any file as JSON or text,
 * whatever the permissions; a module that is imported dynamically, as here, needs them.
 */
const ENTRY = "data:text/javascript,await%20import(Deno.args[1])";

/** Options of {@linkcode runModule}. */
export interface ModuleRun {
  /** Permissions to grant to the module, such as `read=data.csv`. */
  readonly granted: readonly string[];
  /** Signal that asks the client to end. */
  readonly signal: AbortSignal;
  /** Receives the client's events. */
  readonly onEvent: (event: ClientEvent) => void;
  /** Receives the text that the module prints to standard output. */
  readonly print: (text: string) => void;
}

/**
 * Runs a module that calls `defineClient()` in a process of its own, to the end of its run. The
 * process may connect to the server and do what is granted. Its log is written by this process.
 *
 * @throws {Error} If the client fails, the process does not start in time, or it ends before the
 * run does.
 */
export async function runModule(
  path: string,
  client: ClientModuleOptions,
  { granted, signal, onEvent, print }: ModuleRun,
): Promise<void> {
  const program = await denoProgram(path);
  const url = moduleUrl(path);
  const config = await configFlags(url);
  const imports = granted.filter((one) => one.startsWith("import")).map((one) => `--allow-${one}`);
  const code = await codeFiles(program, url, [...config, ...imports]).catch((cause) => {
    throw new Error(`Cannot run the module ${path}: ${errorMessage(cause)}`, { cause });
  });
  const flags = permissionFlags(url, client.serverAddr, { code, granted });
  signal.throwIfAborted();
  const { rank, loggerFile = "", loggerName } = client;
  using log = openLog({
    loggerFile,
    loggerName: loggerName || (rank === undefined ? "client" : `client-${rank}`),
    ...(rank !== undefined && { rank }),
  });
  const process = new ModuleProcess(program, [
    ...["run", "--quiet", "--no-prompt", ...config, ...flags],
    ...[ENTRY, PROCESS_ARGUMENT, url.href],
  ], print);
  const stop = () => process.abort(signal.reason);
  process.take = (message) => {
    if (message.fedlab === "ready") {
      process.begin(client, timeoutsOf(client.timeouts).joinSeconds);
      if (signal.aborted) stop();
    } else if (message.fedlab === "message") {
      const { message: said } = message;
      if (said.type === "built") process.isBuilt();
      else if (said.type === "log") log.logger[said.level](said.text);
      else if (said.type !== "unknown") onEvent(said);
    }
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    await process.ended;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw withModuleFlag(
      error instanceof ProcessError
        ? new Error(`Cannot run the module ${path}: ${error.message}`, { cause: error.cause })
        : error,
    );
  } finally {
    signal.removeEventListener("abort", stop);
    await process.close();
  }
}

/** Finds the Deno program that this process may start. */
async function denoProgram(path: string): Promise<string> {
  for (const command of [runtime.process.execPath(), "deno"]) {
    const { state } = await runtime.process.permissions.query({ name: "run", command });
    if (state === "granted") return command;
  }
  throw new runtime.errors.NotCapable(
    `Cannot run the module ${path} in a process of its own: run Deno with --allow-run=deno (or deno task client:module in place of client)`,
  );
}

/**
 * The command line; `COMMANDS` lists the commands.
 *
 * @module
 */

import { runtime } from "../base/runtime/runtime.ts";
import { errorMessage } from "../base/errors.ts";
import { VERSION } from "../base/version.ts";
import { withConfig } from "./config/command_line.ts";
import { adoptFormerNames, HELP_FORMAT, splitHelp } from "./options/command.ts";
import { commandsFor } from "./commands.ts";
import type { CommandContext } from "./context.ts";
import { type CommandName, UsageError } from "./options/option.ts";
import { checkOutputs } from "./options/outputs.ts";
import { messageWithFlag } from "./options/permissions.ts";
import { print, printError } from "./output/terminal.ts";
import { Command, CommanderError, Option } from "./deps.ts";

/** Exit statuses of a process that a signal ended. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;
const HANG_UP = 129;

/** A signal asked the process to end. */
class StoppedError extends Error {
  constructor(readonly status: number) {
    super("stopped");
  }
}

/**
 * Runs the command that the arguments name.
 *
 * @param args Name of the command and its arguments.
 * @returns The exit status: 0 for success, 2 for wrong usage, 1 for any other error.
 */
export async function main(args: readonly string[]): Promise<number> {
  const stop = new AbortController();
  const program = new Command("fedlab")
    .description("Federated learning on Deno.")
    .version(VERSION)
    .exitOverride()
    .configureHelp(HELP_FORMAT)
    .addHelpOption(new Option("-h, --help", "show this help").helpGroup("Help:"))
    .configureOutput({
      writeOut: (text) => print(text.trimEnd()),
      writeErr: (text) => printError(text.trimEnd()),
    });
  program.hook("preAction", async (_, command) => {
    adoptFormerNames(command);
    const name = command.name() as CommandName;
    if (command.opts().printConfig) {
      print((await import("./config/print_config.ts")).configOf(command));
      throw new CommanderError(0, "fedlab.config", "");
    }
    await checkOutputs(name, command.opts(), name === "plot" ? command.args : []);
  });
  const end = (status: number) => {
    if (stop.signal.aborted) runtime.process.exit(status);
    stop.abort(new StoppedError(status));
  };
  // A shell may send SIGHUP twice; the second one must not end the process at once. Commands that
  // do not call this ignore SIGHUP under nohup.
  const onHangUp = (action: () => void = () => stop.signal.aborted || end(HANG_UP)) => {
    runtime.process.addSignalListener("SIGHUP", action);
    return { [Symbol.dispose]: () => runtime.process.removeSignalListener("SIGHUP", action) };
  };
  const context: CommandContext = {
    signal: stop.signal,
    onHangUp,
    loadCommands: async () => (await commandsFor([])).map((make) => make(context)),
  };
  for (const make of await commandsFor(args)) {
    program.addCommand(make(context).copyInheritedSettings(program));
  }
  const listeners = Object.entries(SIGNALS).map(([name, status]) => {
    const listener = () => end(status);
    runtime.process.addSignalListener(name as Deno.Signal, listener);
    return () => runtime.process.removeSignalListener(name as Deno.Signal, listener);
  });
  try {
    await program.parseAsync(await withConfig(splitHelp(args)), { from: "user" });
    return 0;
  } catch (error) {
    return report(error, args.includes("--verbose"), stop.signal);
  } finally {
    for (const remove of listeners) remove();
  }
}

function report(error: unknown, verbose: boolean, signal: AbortSignal): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError) {
    printError(`error: ${messageWithFlag(error)}`);
    return 2;
  }
  const { reason } = signal;
  const isStopped = signal.aborted && reason instanceof StoppedError;
  // The reason itself, or its copy from a worker.
  if (isStopped && errorMessage(error) === reason.message) {
    printError("stopped");
    return reason.status;
  }
  printError(
    verbose && error instanceof Error ? `${error.stack}` : `error: ${messageWithFlag(error)}`,
  );
  return isStopped ? reason.status : 1;
}

if (import.meta.main) runtime.process.exit(await main(runtime.process.args));

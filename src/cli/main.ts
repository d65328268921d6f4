/**
 * The commands: `demo`, `server`, `client`, `simulate`, `reproduce`, `partition`, `plot`, `keygen`,
 * `predict`, `evaluate`, `export`.
 *
 * @module
 */

import { runtime } from "../base/runtime/runtime.ts";
import { errorMessage } from "../base/errors.ts";
import { VERSION } from "../base/version.ts";
import { withConfig } from "./config/command_line.ts";
import { adoptFormerNames, HELP_FORMAT, splitHelp } from "./options/command.ts";
import type { CommandContext } from "./context.ts";
import { type CommandName, UsageError } from "./options/option.ts";
import { checkOutputs } from "./options/outputs.ts";
import { messageWithFlag } from "./options/permissions.ts";
import { print, printError } from "./output/terminal.ts";
import { Command, CommanderError, Option } from "./deps.ts";

/** The commands, in the order of the help. Each is loaded with what it needs. */
const COMMANDS: Readonly<Record<CommandName, () => Promise<MakeCommand>>> = {
  demo: async () => (await import("./commands/demo.ts")).demoCommand,
  server: async () => (await import("./commands/server.ts")).serverCommand,
  client: async () => (await import("./commands/client.ts")).clientCommand,
  simulate: async () => (await import("./commands/simulate.ts")).simulateCommand,
  reproduce: async () => (await import("./commands/reproduce.ts")).reproduceCommand,
  partition: async () => (await import("./commands/partition.ts")).partitionCommand,
  schema: async () => (await import("./commands/schema.ts")).schemaCommand,
  stats: async () => (await import("./commands/stats.ts")).statsCommand,
  plot: async () => (await import("./commands/plot.ts")).plotCommand,
  keygen: async () => (await import("./commands/keygen.ts")).keygenCommand,
  predict: async () => (await import("./commands/predict.ts")).predictCommand,
  evaluate: async () => (await import("./commands/evaluate.ts")).evaluateCommand,
  export: async () => (await import("./commands/export.ts")).exportCommand,
};

type MakeCommand = (context: CommandContext) => Command;

/** Loads the command that the first argument names; all of them where it names none. */
async function commandsFor([name = ""]: readonly string[]): Promise<MakeCommand[]> {
  const named = Object.hasOwn(COMMANDS, name) ? [COMMANDS[name as CommandName]] : [];
  const loaders = named.length > 0 ? named : Object.values(COMMANDS);
  return await Promise.all(loaders.map((load) => load()));
}

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
  for (const make of await commandsFor(args)) {
    program.addCommand(make({ signal: stop.signal, onHangUp }).copyInheritedSettings(program));
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

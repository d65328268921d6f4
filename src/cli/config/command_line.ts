import { type CommandName, flagOf } from "../options/option.ts";
import { optionsOf } from "../options/table.ts";
import { CONFIG } from "./options.ts";

const FLAG = flagOf("config" satisfies keyof typeof CONFIG);

/**
 * Adds the options of the file that `--config` names to the arguments of a command line that do not
 * give them.
 *
 * @param args Name of the command and its arguments.
 * @throws {UsageError} If the file has an option or a value that the command does not take.
 * @throws {Error} If the file cannot be read.
 */
export async function withConfig(args: readonly string[]): Promise<string[]> {
  const [command = ""] = args;
  const path = pathIn(args);
  const isHelp = args.some((arg) => arg === "--help" || arg === "-h");
  if (path === undefined || isHelp || !isCommand(command)) return [...args];
  const { argumentsFrom } = await import("./arguments.ts");
  return [...args, ...await argumentsFrom(command, path, givenIn(command, args))];
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(CONFIG.config.commands, name);
}

/** Returns the path after the flag, or after its equals sign. */
function pathIn(args: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => arg === FLAG || arg.startsWith(`${FLAG}=`));
  const arg = args[at];
  return arg === FLAG ? args[at + 1] : arg?.slice(FLAG.length + 1);
}

/** Names the options whose flags are among the arguments, in any of their spellings. */
function givenIn(command: CommandName, args: readonly string[]): ReadonlySet<string> {
  const flags = new Set(args.map((arg) => arg.replace(/=.*/s, "")));
  return new Set(
    optionsOf(command)
      .filter(({ name, alsoCalled, formerly }) =>
        [flagOf(name), alsoCalled, formerly].some((flag) => flag !== undefined && flags.has(flag))
      )
      .map(({ name }) => name),
  );
}

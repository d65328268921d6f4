import type { Command } from "../deps.ts";
import { type CommandName, flagOf } from "../options/option.ts";
import { optionsOf } from "../options/table.ts";

/** Option as a shell completes it. */
export interface CompletedOption {
  /** Flag with its dashes. */
  readonly flag: string;
  readonly help: string;
  /** Value after the flag: none, one of some words, the path of a file, or any text. */
  readonly value: "none" | "file" | "text" | readonly string[];
}

/** Command as a shell completes it. */
export interface CompletedCommand {
  readonly name: string;
  readonly help: string;
  readonly options: readonly CompletedOption[];
  /** Argument after the options. */
  readonly argument: "none" | "file" | readonly string[];
}

/** Arguments of the commands that have some. */
const ARGUMENTS: { readonly [Name in CommandName]?: CompletedCommand["argument"] } = {
  plot: "file",
  runs: ["list", "compare", "follow"],
  completions: ["bash", "zsh", "fish"],
};

/** Options whose values are paths, though the commands do not check them as such. */
const PATHS: ReadonlySet<string> = new Set(["out", "resume", "run", "runsDir", "data", "model"]);

/** Describes commands with their options. */
export function describeCommands(commands: readonly Command[]): CompletedCommand[] {
  return commands.map((command) => {
    const name = command.name() as CommandName;
    return {
      name,
      help: command.description(),
      options: [
        ...optionsOf(name).map(({ name, help, type, path }): CompletedOption => ({
          flag: flagOf(name),
          help,
          value: type.isSwitch
            ? "none"
            : type.choices ?? (path !== undefined || PATHS.has(name) ? "file" : "text"),
        })),
        { flag: "--help", help: "show the options", value: "none" },
      ],
      argument: ARGUMENTS[name] ?? "none",
    };
  });
}

import { didYouMean } from "../../base/did_you_mean.ts";
import { bashScript } from "../completions/bash.ts";
import { fishScript } from "../completions/fish.ts";
import { zshScript } from "../completions/zsh.ts";
import { type CompletedCommand, describeCommands } from "../completions/words.ts";
import type { CommandContext } from "../context.ts";
import type { Command } from "../deps.ts";
import { makeCommand } from "../options/command.ts";
import { UsageError } from "../options/option.ts";
import { print } from "../output/terminal.ts";

/** Writers of the scripts, by the shell. */
const SCRIPTS: Readonly<Record<string, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** `completions`: the script that completes commands and options in a shell. */
export function completionsCommand({ loadCommands }: CommandContext): Command {
  return makeCommand("completions", {
    description: "Prints the script by which a shell completes commands and options of fedlab.",
    example: "deno task completions bash > ~/.local/share/bash-completion/completions/fedlab",
  }).argument("<shell>", Object.keys(SCRIPTS).join(", ")).action(async (shell: string) => {
    const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
    if (script === undefined) {
      throw new UsageError(
        `expected one of ${Object.keys(SCRIPTS).join(", ")}, got ${shell}${
          didYouMean(shell, Object.keys(SCRIPTS))
        }`,
      );
    }
    print(script(describeCommands(await loadCommands())).trimEnd());
  });
}

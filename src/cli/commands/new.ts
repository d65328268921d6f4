import type { CommandContext } from "../context.ts";
import type { Command } from "../deps.ts";
import { makeProject } from "../new/make_project.ts";
import { makeCommand } from "../options/command.ts";
import type { Flags } from "../options/table.ts";
import { print } from "../output/terminal.ts";

/** `new`: the files of a first project. */
export function newCommand(_context: CommandContext): Command {
  return makeCommand("new", {
    description: "Makes a folder with a small project that runs: data, options, a test.",
    example: "deno task new wards --template table",
  }).argument("<folder>", "folder to make").action(runNew);
}

async function runNew(folder: string, { template }: Flags<"new">): Promise<void> {
  const files = await makeProject(folder, template);
  print(`Made ${folder} with ${files.sort().join(", ")}. Its README.md has the next commands.`);
}
